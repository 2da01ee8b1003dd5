import { expect } from 'chai';
import { fingerprintOfTables as embedded } from '../../src/adapters/embedded/read-store/open-read-store.js';
import { VERSION_FILE } from '../../src/adapters/embedded/read-store/schema.js';
import {
  fingerprintOfCollections as mongodb,
  INDEXES,
} from '../../src/adapters/mongodb/version-collections.js';
import { EXAMPLES, exampleDocuments } from '../../src/read-side/rebuild/example-documents.js';
import { PROTECTED_VERSION } from '../../src/wire/protected-user.js';
import { SCHEMA_VERSIONS } from '../../src/wire/upcast.js';
import { events } from '../support/examples.js';

const examples = exampleDocuments();
const [anime, ...otherAnime] = examples.animes;
const [interaction, ...otherInteractions] = examples.interactions;
const [day, ...otherDays] = examples.days;
if (anime === undefined || interaction === undefined || day === undefined) {
  throw new Error('There is an example of every kind.');
}
const details = { ...anime.details, title: 'Cowboy Bepop' };

/** One field of one kind of document at a time, as another fold or another search text would have it. */
const MUTATIONS = {
  'an anime has another count': { ...examples, animes: [{ ...anime, clicks: 9 }, ...otherAnime] },
  'the catalogue knows one detail more': {
    ...examples,
    animes: [{ ...anime, details: { ...anime.details, studio: null } }, ...otherAnime],
  },
  'a title is another': { ...examples, animes: [{ ...anime, details }, ...otherAnime] },
  'an interaction keeps another rating': {
    ...examples,
    interactions: [{ ...interaction, ratings: [] }, ...otherInteractions],
  },
  'a day has another count': { ...examples, days: [{ ...day, views: 9 }, ...otherDays] },
};

describe('the fingerprint of the read models', () => {
  /**
   * Where this fails, documents are computed or stored in another way than before. If that is meant,
   * put the new values here and say so in CHANGELOG.md: at the next start every embedded service
   * builds its read models again from the log, and a distributed one needs `rebuild` and `rebuild
   * promote` (docs/decisions/0014-fingerprints-of-the-read-models.md).
   */
  it('changes only on purpose', () => {
    expect({ embedded: embedded(examples), mongodb: mongodb(examples) }).to.deep.equal({
      embedded: 'e5aef9a21aae',
      mongodb: 'a7ebe111f61b',
    });
  });

  for (const [what, mutated] of Object.entries(MUTATIONS)) {
    it(`differs where ${what}`, () => {
      expect(embedded(mutated)).not.to.equal(embedded(examples));
      expect(mongodb(mutated)).not.to.equal(mongodb(examples));
    });
  }

  it('differs where a table or an index differs', () => {
    const schema = VERSION_FILE.schema.replace('views INTEGER', 'views TEXT');
    expect(embedded(examples, schema)).not.to.equal(embedded(examples, VERSION_FILE.schema));
    expect(mongodb(examples, { ...INDEXES, days: [] })).not.to.equal(mongodb(examples));
  });

  it('does not depend on the layout of the schema text', () => {
    const schema = VERSION_FILE.schema.replaceAll('\n', '\n  ');
    expect(embedded(examples, schema)).to.equal(embedded(examples, VERSION_FILE.schema));
  });

  it('covers every event type in every schema version', () => {
    const seen = new Set(
      EXAMPLES.flat().map(([type, data]) => {
        const version = 'schemaVersion' in data ? data.schemaVersion : 1;
        return `${type} ${String(version)}`;
      }),
    );
    for (const [type, newest] of Object.entries(SCHEMA_VERSIONS)) {
      for (let version = 1; version <= newest; version += 1) {
        expect(seen).to.include(`${type} ${version}`);
      }
    }
    for (const { type } of [events.click, events.view, events.rating]) {
      expect(seen).to.include(`${type} ${PROTECTED_VERSION}`);
    }
  });
});
