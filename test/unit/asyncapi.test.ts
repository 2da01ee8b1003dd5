import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import addFormats from 'ajv-formats';
import { Ajv } from 'ajv';
import { expect } from 'chai';
import fc from 'fast-check';
import { toLetterRecord } from '../../src/adapters/kafka/dead-letters.js';
import { toMarkerRecord, toRecord } from '../../src/adapters/kafka/record-codec.js';
import { keptForEver } from '../../src/adapters/kafka/topics.js';
import { metadataOf } from '../../src/command-side/handling/batch.js';
import { decide, evolve, initialState } from '../../src/domain/decide.js';
import type { AnimeCommand } from '../../src/domain/commands.js';
import { areDetails, DETAILS } from '../../src/domain/details.js';
import type { AnimeEvent, AnimeEventType } from '../../src/domain/events.js';
import { isUserId, MAX_ANIME_ID, streamOf } from '../../src/domain/ids.js';
import { MAX_RATING, MAX_VIEW_SECONDS, MIN_RATING } from '../../src/domain/rules.js';
import type { RecordedEvent } from '../../src/ports/event-store.js';
import { loadConfig } from '../../src/platform/config/config.js';
import { decode, encode } from '../../src/wire/stream-event.js';
import {
  encodeForgotten,
  FORGOTTEN_STREAM,
  USER_FORGOTTEN,
  USER_FORGOTTEN_VERSION,
} from '../../src/user-protection/forgotten-users.js';
import { encodeProtected, PROTECTED_VERSION } from '../../src/wire/protected-user.js';
import { newKey, newSubject, seal } from '../../src/user-protection/ciphers.js';
import { encodeIgnored, EVENTS_IGNORED, SCHEMA_VERSIONS } from '../../src/wire/upcast.js';
import { asyncApi, differencesFrom } from '../support/asyncapi.js';
import { jsonFor } from '../support/awkward-json.js';
import { awkwardTexts } from '../support/awkward-texts.js';
import { AT, animeId, COWBOY_BEBOP, events } from '../support/examples.js';
import { LOG_ID } from '../support/histories.js';

const { messages, schemas } = asyncApi.components;
const types = Object.keys(SCHEMA_VERSIONS) as AnimeEventType[];

const bytesOf = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

const FORGOTTEN_SCHEMA = `${USER_FORGOTTEN}.${USER_FORGOTTEN_VERSION}`;
const somebody = { subject: newSubject(), encryptedId: seal(newKey(), 's', 'subject') };

const IGNORED_SCHEMA = `${EVENTS_IGNORED}.1`;

/** The schema that events of a type are written by. */
const written = (type: AnimeEventType): string => `schemas/${type}.${SCHEMA_VERSIONS[type]}`;

describe('the AsyncAPI document', () => {
  it('is valid AsyncAPI 3.0', () => {
    const standard = createRequire(import.meta.url)(
      '@asyncapi/specs/schemas/3.0.0-without-$id.json',
    ) as object;
    const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: true });
    addFormats.default(ajv);
    const validate = ajv.compile(standard);
    expect(validate(asyncApi), JSON.stringify(validate.errors)).to.equal(true);
  });

  it('has the version of the service', async () => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
    expect(asyncApi.info.version).to.equal(version);
  });

  it('has every type of event in every version, and no other', () => {
    const named = types.map((type) => messages[type]?.name);
    expect(named).to.deep.equal(types);
    expect(Object.keys(asyncApi.channels.events.messages)).to.have.members([
      ...types,
      EVENTS_IGNORED,
      'Marker',
    ]);
    const versions = types.flatMap((type) =>
      Array.from({ length: SCHEMA_VERSIONS[type] }, (_, index) => `${type}.${index + 1}`),
    );
    const protectedForms = ['ClickRegistered', 'ViewRegistered', 'RatingGiven'].map(
      (type) => `${type}.${PROTECTED_VERSION}`,
    );
    expect(Object.keys(schemas).filter((name) => /\.\d+$/.test(name))).to.have.members([
      ...versions,
      ...protectedForms,
      IGNORED_SCHEMA,
      FORGOTTEN_SCHEMA,
    ]);
    for (const type of types) {
      const version = schemas[`${type}.${SCHEMA_VERSIONS[type]}`]?.properties?.['schemaVersion'];
      expect(version, type).to.deep.equal({ const: SCHEMA_VERSIONS[type] });
    }
  });

  it('names the topics with their partitions and settings, as the service makes them', () => {
    const { kafka } = loadConfig({});
    const { events: main, deadLetters } = asyncApi.channels;
    expect([main.address, main.bindings.kafka.topic]).to.deep.equal([kafka.topic, kafka.topic]);
    expect(main.bindings.kafka.partitions).to.equal(kafka.partitions);
    expect(deadLetters.address).to.equal(`${kafka.topic}.dlq`);
    expect(deadLetters.bindings.kafka.topic).to.equal(`${kafka.topic}.dlq`);
    for (const { bindings } of [main, deadLetters]) {
      const settings = Object.entries(bindings.kafka.topicConfiguration).map(([name, value]) => ({
        name,
        value: String(value),
      }));
      expect(settings).to.have.deep.members(keptForEver());
    }
  });

  it('has examples that its schemas accept', () => {
    const examples = Object.entries(messages).flatMap(([name, { examples: each = [] }]) =>
      each.map(({ headers, payload }) => ({ name, headers, payload })),
    );
    expect(examples).to.have.length.above(types.length);
    for (const { name, headers, payload } of examples) {
      expect(differencesFrom(`messages/${name}/payload`, payload), name).to.deep.equal([]);
      if (headers === undefined) continue;
      expect(differencesFrom(`messages/${name}/headers`, headers), name).to.deep.equal([]);
    }
  });

  for (const event of Object.values(events)) {
    it(`accepts the canonical ${event.type}, in which every required field is needed`, () => {
      const stored = encode(event);
      const place = written(event.type);
      expect(differencesFrom(place, stored)).to.deep.equal([]);
      const { required = [], properties = {} } = schemas[place.replace('schemas/', '')] ?? {};
      expect(Object.keys(stored)).to.have.members(Object.keys(properties));
      expect(Object.keys(stored)).to.have.members([...required]);
      for (const name of required) {
        const lacking = Object.fromEntries(Object.entries(stored).filter(([key]) => key !== name));
        expect(differencesFrom(place, lacking), name).not.to.deep.equal([]);
      }
    });
  }

  for (const event of [events.click, events.view, events.rating]) {
    it(`accepts a protected ${event.type}, in which every field is needed`, () => {
      const stored = encodeProtected(event, somebody);
      const name = `${event.type}.${PROTECTED_VERSION}`;
      expect(differencesFrom(`schemas/${name}`, stored)).to.deep.equal([]);
      expect(Object.keys(stored)).to.have.members([...(schemas[name]?.required ?? [])]);
      expect(differencesFrom(`messages/${event.type}/payload`, stored)).to.deep.equal([]);
      expect(differencesFrom('messages/StoredEvent/payload', stored)).to.deep.equal([]);
    });
  }

  it('accepts stored UserForgotten, in which every field is needed', () => {
    const stored = encodeForgotten(somebody.subject, AT);
    expect(differencesFrom('messages/UserForgotten/payload', stored)).to.deep.equal([]);
    expect(Object.keys(stored)).to.have.members([...(schemas[FORGOTTEN_SCHEMA]?.required ?? [])]);
    expect(asyncApi.channels.forgotten.address).to.equal(FORGOTTEN_STREAM);
  });

  it('accepts stored EventsIgnored, in which every required field is needed', () => {
    const place = `schemas/${IGNORED_SCHEMA}`;
    const stored = encodeIgnored({
      animeId: animeId(1),
      occurredAt: AT,
      from: 3,
      to: 7,
      reason: 'Not ours.',
    });
    expect(differencesFrom(place, stored)).to.deep.equal([]);
    expect(decode(EVENTS_IGNORED, bytesOf(stored))).to.include({ kind: 'ignored' });
    const { required = [] } = schemas[IGNORED_SCHEMA] ?? {};
    expect(required).to.have.members(Object.keys(stored));
    for (const name of required) {
      const lacking = Object.fromEntries(Object.entries(stored).filter(([key]) => key !== name));
      expect(differencesFrom(place, lacking), name).not.to.deep.equal([]);
      const { kind } = decode(EVENTS_IGNORED, bytesOf(lacking));
      expect(kind, name).to.equal(name === 'schemaVersion' ? 'ignored' : 'malformed');
    }
  });

  it('knows every detail of an anime, and requires those that every event has', () => {
    const { required = [], properties = {} } = schemas['Details'] ?? {};
    expect(Object.keys(properties)).to.have.members(Object.keys(DETAILS));
    const first = ['title', 'description', 'image', 'type', 'episodes', 'genres'];
    expect(required).to.have.members([...first, 'score', 'popularity', 'members']);
    for (const name of required) {
      const lacking = Object.entries(COWBOY_BEBOP).filter(([key]) => key !== name);
      const differences = differencesFrom('schemas/Details', Object.fromEntries(lacking));
      expect(differences, name).to.deep.equal([` must have required property '${name}'`]);
    }
  });
});

const ids = fc.integer({ min: 1, max: MAX_ANIME_ID }).map(animeId);
const at = fc
  .date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString());
const users = awkwardTexts(128).filter(isUserId);
const upTo = (max: number) => fc.option(fc.integer({ min: 0, max }));
const details = fc
  .record({
    title: awkwardTexts(DETAILS.title.maxLength),
    description: fc.option(awkwardTexts(50)),
    type: fc.option(awkwardTexts(DETAILS.type.maxLength)),
    episodes: upTo(1_000_000),
    genres: fc.array(awkwardTexts(DETAILS.genres.item.maxLength), { maxLength: 2 }),
    score: fc.option(fc.double({ min: 0, max: 10, noNaN: true })),
    members: upTo(Number.MAX_SAFE_INTEGER),
  })
  .filter(areDetails);

const commands: fc.Arbitrary<AnimeCommand> = ids.chain((id) => {
  const of = <Type extends AnimeCommand['type']>(type: Type, more: object = {}) =>
    fc.record({ type: fc.constant(type), animeId: fc.constant(id), at, ...more });
  return fc.oneof(
    of('ListAnime', { details }),
    of('DelistAnime'),
    of('RegisterClick', { userId: users }),
    of('RegisterView', {
      userId: users,
      durationSeconds: fc.integer({ min: 0, max: MAX_VIEW_SECONDS }),
    }),
    of('GiveRating', {
      userId: users,
      rating: fc.double({ min: MIN_RATING, max: MAX_RATING, noNaN: true }),
    }),
  ) as fc.Arbitrary<AnimeCommand>;
});

const options = fc.record(
  {
    correlationId: fc.stringMatching(/^[A-Za-z0-9._:-]{1,128}$/),
    causationId: fc.uuid(),
    idempotencyKey: fc.record({
      caller: fc.constant('anonymous'),
      key: fc.string(),
      bodyHash: fc.stringMatching(/^[A-Za-z0-9_-]{22}$/),
    }),
    traceparent: fc.constant('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'),
  },
  { requiredKeys: ['correlationId'] },
);

/** What a command on an anime that is listed leads to: an event, and the same with a revised one. */
const eventsOf = (command: AnimeCommand): readonly AnimeEvent[] => {
  const listed: AnimeEvent = {
    type: 'AnimeListed',
    data: { animeId: command.animeId, occurredAt: AT, details: COWBOY_BEBOP },
  };
  return [initialState, evolve(initialState, listed)].flatMap((state) => {
    const decision = decide(command, state);
    return decision.accepted ? decision.events : [];
  });
};

describe('what the AsyncAPI document says of records', () => {
  it('is true for every event that is decided, stored and published', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(commands, options, fc.bigInt(0n, 2n ** 63n - 1n), (command, given, place) => {
        for (const event of eventsOf(command)) {
          seen.add(event.type);
          const metadata = metadataOf('9e1b6c52-0d4f-4a6b-a2c7-7c6e2b1d8f35', 0, given);
          expect(differencesFrom('messages/StoredEvent/headers', metadata)).to.deep.equal([]);
          expect(Object.keys(schemas['EventMetadata']?.properties ?? {})).to.include.members(
            Object.keys(metadata),
          );
          const recorded: RecordedEvent = {
            stream: streamOf(event.data.animeId),
            revision: place,
            id: '9e1b6c52-0d4f-4a6b-a2c7-7c6e2b1d8f35',
            type: event.type,
            data: bytesOf(encode(event)),
            metadata: bytesOf(metadata),
            isJson: true,
            position: { commit: place * 2n, prepare: place * 2n },
            recordedAt: Date.parse(AT),
          };
          const { key, value, headers } = toRecord(recorded, LOG_ID);
          const message = `messages/${event.type}`;
          const payload = JSON.parse(Buffer.from(value ?? []).toString()) as unknown;
          expect(differencesFrom(written(event.type), payload)).to.deep.equal([]);
          expect(differencesFrom(`${message}/payload`, payload)).to.deep.equal([]);
          expect(differencesFrom('messages/StoredEvent/payload', payload)).to.deep.equal([]);
          expect(differencesFrom(`${message}/headers`, headers)).to.deep.equal([]);
          expect(differencesFrom(`${message}/bindings/kafka/key`, key)).to.deep.equal([]);
          expect(Object.keys(schemas['RecordHeaders']?.properties ?? {})).to.include.members(
            Object.keys(headers),
          );
          const marker = toMarkerRecord(recorded, LOG_ID);
          expect(differencesFrom('messages/Marker/headers', marker.headers)).to.deep.equal([]);
          expect(differencesFrom('messages/Marker/payload', marker.value)).to.deep.equal([]);
          expect(differencesFrom('messages/Marker/headers', headers)).not.to.deep.equal([]);
        }
      }),
    );
    expect([...seen]).to.have.members(types);
  });

  it('requires only headers that are always present', () => {
    const [example] = messages['AnimeListed']?.examples ?? [];
    const headers = example?.headers as Readonly<Record<string, string>>;
    const required = schemas['RecordHeaders']?.required ?? [];
    expect(Object.keys(headers)).to.have.members([...required]);
    for (const name of required) {
      const lacking = Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name));
      expect(differencesFrom('messages/AnimeListed/headers', lacking), name).not.to.deep.equal([]);
    }
    const another = { ...headers, ce_type: 'RatingGiven' };
    expect(differencesFrom('messages/AnimeListed/headers', another)).not.to.deep.equal([]);
  });

  it('is true for dead letters', () => {
    const letters = fc.record({
      stream: fc.option(ids.map(streamOf)),
      revision: fc.option(fc.maxSafeNat()),
      source: fc.string({ minLength: 1 }),
      reason: fc.string({ minLength: 1 }),
      value: fc.option(fc.uint8Array()),
      at,
    });
    fc.assert(
      fc.property(letters, (letter) => {
        const { key, headers } = toLetterRecord(letter);
        const message = 'messages/DeadLetter';
        expect(differencesFrom(`${message}/headers`, headers)).to.deep.equal([]);
        expect(differencesFrom(`${message}/bindings/kafka/key`, key)).to.deep.equal([]);
        expect(Object.keys(schemas['DeadLetterHeaders']?.properties ?? {})).to.include.members(
          Object.keys(headers),
        );
      }),
    );
  });

  /** The only data that a schema takes and the service cannot read: JSON Schema takes -0 for 0. */
  const hasNegativeZero = (data: Readonly<Record<string, unknown>>): boolean =>
    Object.values(data).some((value) => Object.is(value, -0));

  /** A schema cannot compare two fields with each other. */
  const isBackwards = ({ from, to }: Readonly<Record<string, unknown>>): boolean =>
    Number(from) > Number(to);

  for (const [name, schema] of Object.entries(schemas)) {
    const [type = '', version] = name.split('.');
    if (version === undefined || type === USER_FORGOTTEN) continue;
    it(`accepts nothing as ${type} version ${version} that the service cannot read`, () => {
      const seen = { taken: 0, refused: 0 };
      const fields = Object.entries(schema.properties ?? {}).map(([field, part]) => {
        const at = '$ref' in part ? String(part.$ref).split('/').at(-1) : undefined;
        const inner = at === undefined ? part : (schemas[at] ?? {});
        const real = messages[type]?.examples
          ?.map(({ payload }) => (payload as Record<string, unknown>)[field])
          .filter((each) => each !== undefined);
        const examples = 'const' in inner ? [inner.const] : (real ?? []);
        const values = jsonFor({ ...inner, examples });
        return fc
          .tuple(values, fc.integer({ min: 0, max: 20 }))
          .map(([value, luck]) => (luck === 0 ? [] : [`${JSON.stringify(field)}:${value}`]));
      });
      fc.assert(
        fc.property(fc.tuple(...fields), (given) => {
          const text = `{${given.flat().join()}}`;
          const data = JSON.parse(text) as Readonly<Record<string, unknown>>;
          const taken = differencesFrom(`schemas/${name}`, data).length === 0;
          seen[taken ? 'taken' : 'refused'] += 1;
          if (!taken || hasNegativeZero(data) || isBackwards(data)) return;
          const kind = type === EVENTS_IGNORED ? 'ignored' : 'event';
          expect(decode(type, Buffer.from(text)).kind, text).to.equal(kind);
        }),
        { numRuns: 1500 },
      );
      expect(Math.min(seen.taken, seen.refused), JSON.stringify(seen)).to.be.greaterThan(25);
    });
  }
});
