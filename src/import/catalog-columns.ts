import type { AnimeDetails } from '../domain/events.js';

/** The file cannot be read as a catalogue at all. The message says what it lacks. */
export class CatalogFormatError extends Error {
  constructor(message: string) {
    super(message);
    this.name = new.target.name;
  }
}

/** Which cell of a row holds what. A detail whose column the file lacks is absent here. */
export interface CatalogColumns {
  readonly count: number;
  readonly id: number;
  readonly details: Readonly<Partial<Record<keyof AnimeDetails, number>>>;
}

interface Form {
  readonly id: string;
  readonly details: Readonly<Partial<Record<keyof AnimeDetails, string>>> & { title: string };
}

/** Names in lower case: what a file calls them differs in case from dump to dump. */
const FORMS: readonly Form[] = [
  {
    id: 'myanimelist_id',
    details: {
      title: 'title',
      description: 'description',
      image: 'image',
      type: 'type',
      episodes: 'episodes',
      genres: 'genres',
      score: 'score',
      popularity: 'popularity',
      members: 'members',
    },
  },
  {
    id: 'anime_id',
    details: {
      title: 'name',
      type: 'type',
      episodes: 'episodes',
      genres: 'genre',
      // The community's mean here; the first form's column of that name is an age rating.
      score: 'rating',
      members: 'members',
    },
  },
];

/** Recognises the form of a catalogue by its header. Throws CatalogFormatError. */
export const readColumns = (header: readonly string[]): CatalogColumns => {
  const names = header.map((name) => name.trim().toLowerCase());
  const form = FORMS.find(({ id, details }) => names.includes(id) && names.includes(details.title));
  if (form === undefined) {
    const needed = FORMS.map(({ id, details }) => `"${id}" and "${details.title}"`).join(' or ');
    throw new CatalogFormatError(
      `The first line of a catalogue must name the columns ${needed}; this one names ${listed(header)}.`,
    );
  }
  const at = (name: string): number => {
    const index = names.indexOf(name);
    if (index !== names.lastIndexOf(name)) {
      throw new CatalogFormatError(`The first line names the column "${name}" more than once.`);
    }
    return index;
  };
  const details = Object.entries(form.details)
    .map(([detail, name]) => [detail, at(name)] as const)
    .filter(([, index]) => index !== -1);
  return { count: header.length, id: at(form.id), details: Object.fromEntries(details) };
};

const MAX_NAMES = 12;

const listed = (header: readonly string[]): string => {
  const shown = header.slice(0, MAX_NAMES).map((name) => `"${name.trim().slice(0, 40)}"`);
  return shown.join(', ') + (header.length > MAX_NAMES ? ', ...' : '');
};
