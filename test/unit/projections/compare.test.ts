import { expect } from 'chai';
import { PortError } from '../../../src/ports/errors.js';
import type { JsonValue } from '../../../src/ports/json.js';
import type { ProjectionStatus, Projections } from '../../../src/ports/projections.js';
import type { AnimeDocument } from '../../../src/ports/read-store.js';
import { areDeployed, compareWithProjections } from '../../../src/read-side/audit/projections.js';
import { animeDraft } from '../../../src/read-side/read-models/anime.js';
import { animeId } from '../../support/examples.js';
import { inMemoryDocuments } from '../../support/in-memory-documents.js';
import { rejectionOf } from '../../support/rejection-of.js';

const NAMES = ['anime-activity', 'anime-rating-changes', 'anime-rating-summary'];

const documentAt = (revision: number, given: Partial<AnimeDocument> = {}): AnimeDocument => ({
  ...animeDraft(null, animeId(1), 0),
  clicks: 2,
  views: 1,
  seconds: 60,
  ratingCount: 1,
  ratingSum: 875,
  revision,
  ...given,
});

const activityAt = (revision: number, given = {}) => ({
  clicks: 2,
  views: 1,
  seconds: 60,
  ratingRevision: 3,
  revision,
  ...given,
});

const ratingsAt = (revision: number, given = {}) => ({
  ratingCount: 1,
  ratingSum: 875,
  firstRevision: 0,
  revision,
  ...given,
});

/** What the engine answers, one after the other; the last answer stays. */
interface Script {
  readonly activity?: readonly JsonValue[];
  readonly ratings?: readonly JsonValue[];
  readonly statuses?: readonly Partial<ProjectionStatus>[];
}

const scripted = ({ activity = [null], ratings = [null], statuses = [] }: Script): Projections => {
  const left = { activity: [...activity], ratings: [...ratings] };
  const next = (answers: JsonValue[]): JsonValue =>
    (answers.length > 1 ? answers.shift() : answers[0]) ?? null;
  const running = {
    condition: 'running',
    status: 'Running',
    reason: '',
    timedOut: false,
    progress: 100,
  } as const;
  return {
    enable: () => Promise.resolve(),
    list: () =>
      Promise.resolve(
        NAMES.map((name) => ({
          name,
          position: '',
          ...running,
          ...statuses.find((status) => status.name === name),
        })),
      ),
    deploy: () => Promise.reject(new Error('Nothing is deployed here.')),
    stateOf: (name, partition) => {
      if (name === 'anime-activity' && partition === 'anime-1') {
        return Promise.resolve(next(left.activity));
      }
      if (name === 'anime-rating-summary' && partition === 'ratings-1') {
        return Promise.resolve(next(left.ratings));
      }
      return Promise.reject(new Error(`${name} ${partition}`));
    },
  };
};

const compare = async (document: AnimeDocument, script: Script, waitMs = 0) => {
  const documents = inMemoryDocuments();
  await documents.save({ interactions: [], days: [], animes: [document] });
  return compareWithProjections({ documents, projections: scripted(script), waitMs });
};

const EQUAL = { animes: 1, equal: 1, different: [], notComparable: [] };
const notYet = (reason: string) => ({
  animes: 1,
  equal: 0,
  different: [],
  notComparable: [{ animeId: 1, reason }],
});

describe('comparing documents with the projections', () => {
  const same = { activity: [activityAt(5)], ratings: [ratingsAt(3)] };

  it('finds them equal at equal revisions', async () => {
    expect(await compare(documentAt(5), same)).to.deep.equal(EQUAL);
  });

  it('treats a missing rating state as no ratings', async () => {
    const document = documentAt(5, { ratingCount: 0, ratingSum: 0 });
    const activity = [activityAt(5, { ratingRevision: -1 })];
    expect(await compare(document, { activity })).to.deep.equal(EQUAL);
  });

  it('finds an emptied anime equal that no projection knows', async () => {
    const nothing = { clicks: 0, views: 0, seconds: 0, ratingCount: 0, ratingSum: 0 };
    expect(await compare(documentAt(-1, nothing), {})).to.deep.equal(EQUAL);
  });

  for (const [field, projection] of [
    ['clicks', 'anime-activity'],
    ['views', 'anime-activity'],
    ['seconds', 'anime-activity'],
    ['ratingCount', 'anime-rating-summary'],
    ['ratingSum', 'anime-rating-summary'],
  ] as const) {
    it(`reports other ${field} at the same revision`, async () => {
      const document = documentAt(5, { [field]: 99 });
      const { different, ...rest } = await compare(document, same);
      expect(rest).to.deep.equal({ animes: 1, equal: 0, notComparable: [] });
      expect(different).to.have.length(1);
      expect(different[0]).to.include({ animeId: 1, revision: 5, projection });
      expect(different[0]?.document).to.include({ [field]: 99 });
      const state = projection === 'anime-activity' ? same.activity[0] : same.ratings[0];
      expect(different[0]?.state).to.include({ [field]: state?.[field as keyof typeof state] });
    });
  }

  it('does not compare numbers of different revisions', async () => {
    for (const at of [4, 6]) {
      const script = { activity: [activityAt(at, { clicks: 99 })], ratings: [ratingsAt(3)] };
      const reason = `anime-activity is at revision ${at}, the document at 5.`;
      expect(await compare(documentAt(5), script)).to.deep.equal(notYet(reason));
    }
  });

  it('does not compare a summary that lacks a rating, or has a later one', async () => {
    for (const at of [2, 7]) {
      const { animes, equal, different, notComparable } = await compare(documentAt(5), {
        activity: [activityAt(5)],
        ratings: [ratingsAt(at, { ratingSum: 1 })],
      });
      expect({ animes, equal, different }).to.deep.equal({ animes: 1, equal: 0, different: [] });
      expect(notComparable[0]?.reason).to.contain(`anime-rating-summary is at revision ${at}`);
    }
  });

  it('counts events that the engine omits and the document skipped as read', async () => {
    const script = { activity: [activityAt(3)], ratings: [ratingsAt(3)] };
    const skipped = (...revisions: number[]) => documentAt(5, { skipped: revisions });
    expect(await compare(skipped(1, 4, 5), script)).to.deep.equal(EQUAL);
    expect(await compare(skipped(1, 5), script)).to.include({ equal: 0 });
  });

  it('does not count an event that both the engine and the document have passed', async () => {
    const script = { activity: [activityAt(4)], ratings: [ratingsAt(3)] };
    const reason = 'anime-activity is at revision 4, the document at 5.';
    expect(await compare(documentAt(5, { skipped: [4] }), script)).to.deep.equal(notYet(reason));
  });

  for (const [projection, script] of [
    ['anime-activity', { activity: [{ clicks: 2, views: 1, seconds: 60, revision: 5 }] }],
    ['anime-activity', { activity: [activityAt(5, { seconds: '60' })] }],
    ['anime-activity', { activity: [[2, 1, 60, 3, 5]] }],
    ['anime-rating-summary', { ratings: [{ ratingCount: 1, revision: 3 }] }],
    ['anime-rating-summary', { ratings: [3] }],
  ] as const) {
    it(`reads no state of another version: ${JSON.stringify(script)}`, async () => {
      const reason = `The state of ${projection} is not that of this version: deploy the projections.`;
      const compared = compare(documentAt(5), { ...same, ...script });
      expect(await compared).to.deep.equal(notYet(reason));
    });
  }

  it('asks ever less often while it waits', async () => {
    let asked = 0;
    const behind = scripted({ activity: [activityAt(4)] });
    const projections: Projections = {
      ...behind,
      stateOf: (...which) => {
        asked += 1;
        return behind.stateOf(...which);
      },
    };
    const documents = inMemoryDocuments();
    await documents.save({ interactions: [], days: [], animes: [documentAt(5)] });
    await compareWithProjections({ documents, projections, waitMs: 400 });
    // At once, after 100 ms, after 300, and at the end, where a timer may come early.
    expect(asked).to.be.within(2, 8);
  });

  it('waits for a projection that is behind', async () => {
    const script = {
      activity: [null, activityAt(4), activityAt(5)],
      ratings: [ratingsAt(2), ratingsAt(3)],
    };
    expect(await compare(documentAt(5), script, 5000)).to.deep.equal(EQUAL);
  });

  it('waits for a document that is behind', async () => {
    const documents = inMemoryDocuments();
    const save = (animes: AnimeDocument[]) =>
      documents.save({ interactions: [], days: [], animes });
    await save([documentAt(4)]);
    const projections: Projections = {
      ...scripted(same),
      stateOf: async (name, partition) => {
        await save([documentAt(5)]);
        return scripted(same).stateOf(name, partition);
      },
    };
    const compared = compareWithProjections({ documents, projections, waitMs: 5000 });
    expect(await compared).to.deep.equal(EQUAL);
  });

  it('stops waiting at the time-out, and reports what is missing', async () => {
    const begun = performance.now();
    const script = { activity: [activityAt(4)], ratings: [ratingsAt(3)] };
    const reason = 'anime-activity is at revision 4, the document at 5.';
    expect(await compare(documentAt(5), script, 150)).to.deep.equal(notYet(reason));
    expect(performance.now() - begun).to.be.within(140, 1000);
  });

  it('does not wait for a projection that does not run, or differs', async () => {
    const faulted = {
      name: 'anime-rating-changes',
      condition: 'faulted',
      reason: 'Boom.',
    } as const;
    const stopped = { name: 'anime-activity', condition: 'stopped' } as const;
    const cases: readonly [Script, string][] = [
      [{ ...same, statuses: [faulted] }, 'anime-rating-changes is faulted: Boom.'],
      [{ ...same, statuses: [stopped] }, 'anime-activity is stopped.'],
      [
        { ...same, statuses: [{ name: 'anime-activity', condition: 'running' }], activity: ['?'] },
        'The state of anime-activity is not that of this version: deploy the projections.',
      ],
    ];
    for (const [script, reason] of cases) {
      const begun = performance.now();
      expect(await compare(documentAt(5), script, 60_000)).to.deep.equal(notYet(reason));
      expect(performance.now() - begun).to.be.lessThan(1000);
    }
  });

  it('reports a missing projection', async () => {
    const projections = { ...scripted(same), list: () => Promise.resolve([]) };
    const documents = inMemoryDocuments();
    await documents.save({ interactions: [], days: [], animes: [documentAt(5)] });
    const compared = await compareWithProjections({ projections, documents });
    expect(compared).to.deep.equal(notYet('anime-activity is not deployed.'));
  });

  it('compares many anime, each by its own states', async () => {
    const documents = inMemoryDocuments();
    const animes = Array.from({ length: 100 }, (_, index) =>
      documentAt(index, {
        animeId: animeId(index + 1),
        clicks: index,
        ratingCount: 0,
        ratingSum: 0,
      }),
    );
    await documents.save({ interactions: [], days: [], animes });
    const projections: Projections = {
      ...scripted({}),
      stateOf: (_name, partition) => {
        const revision = Number(/^anime-(\d+)$/.exec(partition)?.[1] ?? 0) - 1;
        const given = { clicks: revision === 41 ? 0 : revision, ratingRevision: -1 };
        return Promise.resolve(revision < 0 ? null : activityAt(revision, given));
      },
    };
    const compared = await compareWithProjections({ documents, projections, waitMs: 0 });
    expect(compared).to.include({ animes: 100, equal: 99 });
    expect(compared.different.map((each) => each.animeId)).to.deep.equal([42]);
  });

  it('is worth asking for where one of the projections is deployed', async () => {
    const deployed = (...names: readonly string[]) =>
      areDeployed({
        list: async () =>
          (await scripted({}).list())
            .slice(0, 1)
            .flatMap((status) => names.map((name) => ({ ...status, name }))),
      });
    expect(await deployed()).to.be.false;
    expect(await deployed('$by_category')).to.be.false;
    expect(await deployed('$by_category', 'anime-activity')).to.be.true;
  });

  it('stops when aborted, and reports a missing engine', async () => {
    const documents = inMemoryDocuments();
    await documents.save({ interactions: [], days: [], animes: [documentAt(5)] });
    const stop = new AbortController();
    const waiting = compareWithProjections({
      documents,
      projections: scripted({}),
      waitMs: 60_000,
      signal: stop.signal,
    });
    stop.abort(new Error('Stopped.'));
    expect(await rejectionOf(waiting)).to.have.property('message', 'Stopped.');
    const none = new PortError('NOT_SUPPORTED', 'There is no engine.', false);
    const projections = { ...scripted({}), list: () => Promise.reject(none) };
    expect(await rejectionOf(compareWithProjections({ documents, projections }))).to.equal(none);
  });
});
