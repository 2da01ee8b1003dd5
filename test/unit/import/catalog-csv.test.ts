import { expect } from 'chai';
import fc from 'fast-check';
import { CatalogFormatError } from '../../../src/import/catalog-columns.js';
import { readCatalog, type CatalogRow } from '../../../src/import/catalog-csv.js';
import { eventually } from '../../support/eventually.js';
import { rejectionOf } from '../../support/rejection-of.js';

const HEADER = 'anime_id,name,genre,type,episodes,rating,members';

const chunksOf = async function* (bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve();
    yield bytes.subarray(at, at + size);
  }
};

const rowsOf = async (file: string | Buffer, chunkSize = 1 << 16): Promise<CatalogRow[]> => {
  const rows: CatalogRow[] = [];
  for await (const row of readCatalog(chunksOf(Buffer.from(file), chunkSize))) rows.push(row);
  return rows;
};

const titlesOf = (rows: readonly CatalogRow[]) =>
  rows.map((row) => (row.kind === 'title' ? `${row.line}: ${row.details.title}` : row.reason));

const rejectionsOf = (rows: readonly CatalogRow[]) =>
  rows.flatMap((row) => (row.kind === 'rejected' ? [`${row.line}: ${row.reason}`] : []));

const only = async (file: string | Buffer): Promise<CatalogRow> => {
  const [row, ...others] = await rowsOf(file);
  expect(others).to.deep.equal([]);
  if (row === undefined) throw new Error('no row');
  return row;
};

describe('readCatalog', () => {
  it('reads the form with anime_id and uses its rating as the score', async () => {
    const row = await only(`${HEADER}\n1,Cowboy Bebop,"Action, Sci-Fi",TV,26,8.82,486824\n`);
    expect(row).to.deep.include({
      kind: 'title',
      line: 2,
      animeId: 1,
      details: {
        title: 'Cowboy Bebop',
        genres: ['Action', 'Sci-Fi'],
        type: 'TV',
        episodes: 26,
        score: 8.82,
        members: 486824,
      },
    });
  });

  it('reads the form with myanimelist_id and ignores its age rating', async () => {
    const header =
      'myanimelist_id,title,description,image,Type,Episodes,Status,Genres,Rating,Score,Popularity,Members';
    const row = await only(
      `${header}\n1,Cowboy Bebop,In space.,https://example.org/1.jpg,TV,26,Finished Airing,"Action, Sci-Fi",R - 17+,8.75,43,"1,771,505"\n`,
    );
    expect(row).to.deep.include({
      animeId: 1,
      details: {
        title: 'Cowboy Bebop',
        description: 'In space.',
        image: 'https://example.org/1.jpg',
        type: 'TV',
        episodes: 26,
        genres: ['Action', 'Sci-Fi'],
        score: 8.75,
        popularity: 43,
        members: 1771505,
      },
    });
  });

  it('finds columns in any order and case, and returns only those in the file', async () => {
    const row = await only('SCORE, Title ,MyAnimeList_ID\n8.75,Cowboy Bebop,1\n');
    expect(row).to.deep.include({ animeId: 1, details: { title: 'Cowboy Bebop', score: 8.75 } });
  });

  it('decodes HTML entities once', async () => {
    const rows = await rowsOf(
      'anime_id,name,genre\n1,Gintama&#039;,Action &amp; Adventure\n2,AT&amp;amp;T &notanentity,\n3,Fate &times; Zero &#x2606;,\n',
    );
    expect(titlesOf(rows)).to.deep.equal([
      "2: Gintama'",
      '3: AT&amp;T &notanentity',
      '4: Fate × Zero ☆',
    ]);
    expect(rows[0]).to.have.nested.property('details.genres[0]', 'Action & Adventure');
  });

  it('keeps a genre once and drops empty ones', async () => {
    const row = await only('anime_id,name,genre\n1,Bebop,"Action, ,Sci-Fi,Action,"\n');
    expect(row).to.have.nested.property('details.genres').that.deep.equals(['Action', 'Sci-Fi']);
  });

  for (const [cell, episodes] of [
    ['26', 26],
    ['26.0', 26],
    ['"1,787"', 1787],
    [' 12 ', 12],
  ] as const) {
    it(`reads ${cell} episodes as ${episodes}`, async () => {
      expect(await only(`anime_id,name,episodes\n1,Bebop,${cell}\n`)).to.have.nested.property(
        'details.episodes',
        episodes,
      );
    });
  }

  it('skips a byte order mark, also before a quoted header and in tiny chunks', async () => {
    const file = '\u{feff}"anime_id","name"\r\n"1","Cowboy Bebop"\r\n';
    expect(titlesOf(await rowsOf(file))).to.deep.equal(['2: Cowboy Bebop']);
    expect(titlesOf(await rowsOf(file, 1))).to.deep.equal(['2: Cowboy Bebop']);
  });

  it('counts lines as an editor does, whatever ends them', async () => {
    const lines = [
      'myanimelist_id,title,description',
      '',
      '1,A,"a',
      'b',
      '',
      'c"',
      '2,B,',
      '',
      'x',
    ];
    for (const end of ['\n', '\r\n', '\r']) {
      const rows = await rowsOf(lines.join(end));
      expect(rows.map(({ kind, line }) => [kind, line])).to.deep.equal([
        ['title', 3],
        ['title', 7],
        ['rejected', 9],
      ]);
    }
  });

  it('keeps quotes that are part of a text', async () => {
    const rows = await rowsOf(
      'anime_id,name\n1,The "Real" One\n2,"The ""Real"" One"\n3,"A" and B\n',
    );
    expect(titlesOf(rows)).to.deep.equal([
      '2: The "Real" One',
      '3: The "Real" One',
      '4: "A" and B',
    ]);
  });

  it('rejects a row with too few or too many columns and continues', async () => {
    const rows = await rowsOf('anime_id,name,type\n1,Akira\n2,Akira,Movie,x\n3,Akira,Movie\n');
    expect(rejectionsOf(rows)).to.deep.equal([
      '2: has 2 columns where the header has 3',
      '3: has 4 columns where the header has 3',
    ]);
    expect(rows.at(-1)).to.include({ kind: 'title', animeId: 3 });
  });

  it('rejects a repeated id and names the line of the first', async () => {
    const rows = await rowsOf('anime_id,name\n1,A\n2,B\n1,C\n1,D\n');
    expect(rejectionsOf(rows)).to.deep.equal([
      '4: repeats the id 1 of line 2',
      '5: repeats the id 1 of line 2',
    ]);
  });

  it('does not count a rejected row as the first of its id', async () => {
    const rows = await rowsOf('anime_id,name\n1,\n1,Cowboy Bebop\n');
    expect(titlesOf(rows)).to.deep.equal(['title must not be blank: ""', '3: Cowboy Bebop']);
  });

  for (const id of ['', '0', '-1', '1.5', '2147483648', 'one', '1e3', '0x10', '1,00']) {
    it(`rejects the id ${id === '' ? 'that is missing' : id}`, async () => {
      expect(rejectionsOf(await rowsOf(`anime_id,name\n1,A\n"${id}",B\n`))).to.deep.equal([
        `3: the id "${id}" is not a whole number from 1 to 2147483647`,
      ]);
    });
  }

  it('rejects invalid details and reports everything that is wrong', async () => {
    const rows = await rowsOf(
      [
        HEADER,
        `1,${'x'.repeat(501)},,,,,`,
        '2,Line&#10;break,,,,,',
        '3,Akira,,,many,11,"1,2"',
        '4,Half &#xD83D;,,,1,1,1',
      ].join('\n'),
    );
    expect(rejectionsOf(rows)).to.deep.equal([
      `2: title must have at most 500 characters: "${'x'.repeat(60)}..."`,
      '3: title must not have control characters: "Line&#10;break"',
      '4: episodes must be a whole number from 0 to 1,000,000: "many"; score must be a number from 0 to 10: "11"; members must be a whole number from 0 to 9,007,199,254,740,991: "1,2"',
    ]);
    expect(rows.at(-1)).to.have.nested.property('details.title', 'Half \u{fffd}');
  });

  it('shows no control characters of a file in a reason', async () => {
    const rows = await rowsOf('anime_id,name\n\u001b[2J,A\n1,B\n');
    expect(rejectionsOf(rows)).to.deep.equal([
      '2: the id "\u{fffd}[2J" is not a whole number from 1 to 2147483647',
    ]);
  });

  it('rejects only the row that is not UTF-8', async () => {
    const file = Buffer.concat([
      Buffer.from('anime_id,name\n1,Pok'),
      Buffer.from([0xe9]),
      Buffer.from('mon\n2,Pokémon\n'),
    ]);
    expect(titlesOf(await rowsOf(file))).to.deep.equal(['not UTF-8 text', '3: Pokémon']);
  });

  it('returns all rows before a quote that is never closed, and says where it opens', async () => {
    const rows = await rowsOf('anime_id,name\n1,A\n2,B\n3,"C\n4,D\n');
    expect(titlesOf(rows)).to.deep.equal([
      '2: A',
      '3: B',
      'a quote that opens here is never closed: nothing after it could be read',
    ]);
    expect(rows.at(-1)).to.include({ line: 4 });
  });

  it('stops at a quote that runs over a mebibyte', async () => {
    let chunks = 0;
    const endless = async function* () {
      yield Buffer.from('anime_id,name\n1,A\n2,"B');
      for (;;) {
        chunks += 1;
        await Promise.resolve();
        yield Buffer.alloc(1 << 16, 'x\n');
      }
    };
    const rows: CatalogRow[] = [];
    for await (const row of readCatalog(endless())) rows.push(row);
    expect(titlesOf(rows)).to.deep.equal([
      '2: A',
      'a quote that opens here is never closed: nothing after it could be read',
    ]);
    expect(chunks).to.be.below(40);
  });

  for (const [what, file, message] of [
    ['an empty file', '', 'The file is empty: it has no header line.'],
    ['blank lines alone', '\n\r\n\n', 'The file is empty: it has no header line.'],
    [
      'an unknown header',
      'number,title\n1,Akira\n',
      'The first line names no column of ids (whole numbers from 1), such as "anime_id", "mal_id" or "uid"; it names "number", "title".',
    ],
    [
      'a column that is named twice',
      'anime_id,name,type,Type\n1,Akira,Movie,Movie\n',
      'The first line names the column "type" more than once.',
    ],
    [
      'UTF-16',
      Buffer.from('\u{feff}anime_id,name\n', 'utf16le'),
      'The file is UTF-16 text: save it as UTF-8.',
    ],
    [
      'a header that is not UTF-8',
      Buffer.from('anime_id,n\u00e4me\n', 'latin1'),
      'The first line cannot be read: not UTF-8 text.',
    ],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const error = await rejectionOf(rowsOf(Buffer.from(file)));
      expect(error).to.be.an.instanceOf(CatalogFormatError).with.property('message', message);
    });
  }

  it('passes on errors of the source', async () => {
    const failing = async function* () {
      yield Buffer.from('anime_id,name\n1,A\n');
      await Promise.resolve();
      throw new Error('disk on fire');
    };
    const read = async () => {
      for await (const row of readCatalog(failing())) expect(row.line).to.equal(2);
    };
    expect(await rejectionOf(read())).to.have.property('message', 'disk on fire');
  });

  it('closes the source when the reader leaves early', async () => {
    let closed = false;
    const source = async function* () {
      try {
        for (let id = 1; ; id += 1) {
          await Promise.resolve();
          yield Buffer.from(id === 1 ? 'anime_id,name\n1,A\n' : `${id},A\n`);
        }
      } finally {
        closed = true;
      }
    };
    for await (const row of readCatalog(source())) if (row.line > 100) break;
    await eventually(() => expect(closed).to.equal(true));
  });

  it('reads the same rows however the bytes are cut', async () => {
    const file = `\u{feff}${HEADER}\r\n1,"Gintama°\r\n""x""","Action, Sci-Fi",TV,51,9.25,114262\r\n\r\n2,ＦＬＣＬ,,OVA,6,,\r\nbad\r\n`;
    const whole = await rowsOf(file);
    expect(whole.map(({ kind }) => kind)).to.deep.equal(['rejected', 'title', 'rejected']);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 200 }), async (size) => {
        expect(await rowsOf(file, size)).to.deep.equal(whole);
      }),
    );
  });

  it('never fails on rows, whatever they contain', async () => {
    const cell = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('"', '""', '\r\n', ','));
    await fc.assert(
      fc.asyncProperty(fc.array(cell), async (cells) => {
        const rows = await rowsOf(`anime_id,name\n1,A\n${cells.join(',')}\n`);
        for (const { line } of rows) expect(line).to.be.at.least(2);
      }),
    );
  });

  it('reads or refuses any file, without crashing', async () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom(
          '"',
          ',',
          ';',
          '\t',
          '\n',
          '\r',
          'anime_id',
          'name',
          'genre',
          '1',
          "['A']",
          '\0',
        )
        .map((text) => Buffer.from(text)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece), fc.integer({ min: 1, max: 9 }), async (pieces, size) => {
        const read = rowsOf(Buffer.concat(pieces), size);
        await read.catch((error: unknown) => {
          expect(error).to.be.an.instanceOf(CatalogFormatError);
        });
      }),
      { numRuns: 300 },
    );
  });
});
