import type { DistinctOptions } from 'mongodb';
import { isUnknownOption } from './errors.js';
import { LISTED } from './search.js';
import type { VersionCollections } from './version-collections.js';

type Animes = Pick<VersionCollections, 'animes'>;

/** The genres of what is listed. MongoDB reads no documents for it but steps through an index. */
export const distinctGenres = async (
  { animes }: Animes,
  options: DistinctOptions = {},
): Promise<readonly unknown[]> => animes.distinct('d.details.genres', LISTED, options);

/** Without a limit in the server where it takes none on this command, as FerretDB 1 does not. */
export const genresWithin = async (
  collections: Animes,
  maxTimeMS: number,
): Promise<readonly unknown[]> => {
  try {
    return await distinctGenres(collections, { maxTimeMS });
  } catch (error) {
    if (!isUnknownOption(error)) throw error;
    return distinctGenres(collections);
  }
};
