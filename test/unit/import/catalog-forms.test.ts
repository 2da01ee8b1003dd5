import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { CatalogFormatError } from '../../../src/import/catalog-columns.js';
import { readCatalog, type CatalogOptions } from '../../../src/import/catalog-csv.js';
import {
  csvLine,
  heldBy,
  PUBLIC_CATALOGS,
  publicCatalog,
  titleOf,
} from '../../support/public-catalogs.js';
import { rejectionOf } from '../../support/rejection-of.js';

const read = async (source: AsyncIterable<Buffer>, options: CatalogOptions = {}) => {
  let form = '';
  const rows = [];
  const onForm = (description: string) => (form = description);
  for await (const row of readCatalog(source, { ...options, onForm })) rows.push(row);
  const details = rows.map((row) => (row.kind === 'title' ? row.details : row.reason));
  return { form, rows, details };
};

const file = async function* (content: string | Buffer) {
  await Promise.resolve();
  yield Buffer.from(content);
};

const readText = (content: string | Buffer, options: CatalogOptions = {}) =>
  read(file(content), options);

const formOf = async (content: string) => (await readText(content)).form;

const messageOf = async (content: string | Buffer) => {
  const error = await rejectionOf(readText(content));
  expect(error).to.be.an.instanceOf(CatalogFormatError);
  return (error as Error).message;
};

describe('the form of a catalogue', () => {
  for (const catalog of PUBLIC_CATALOGS) {
    it(`${catalog.name} is read with all its details`, async () => {
      const { rows, details } = await read(publicCatalog(catalog, 200));
      expect(rows.map((row) => row.kind === 'title' && row.animeId)).to.deep.equal(
        Array.from({ length: 200 }, (_, index) => index + 1),
      );
      expect(details).to.deep.equal(
        Array.from({ length: 200 }, (_, index) => heldBy(catalog, titleOf(index + 1))),
      );
    });
  }

  it('is reported in one line: separator, used and ignored columns', async () => {
    expect(
      await formOf('anime_id,Name,Score,Aired,Rating\n1,Bebop,8.75,1998,PG-13 - Teens\n'),
    ).to.equal(
      'comma separated, 5 columns. Used: anime_id -> id, Name -> title, Score -> score. ' +
        'Ignored: Aired, Rating (age rating).',
    );
  });

  it('is reported with no more ignored columns than fit a line, without control characters', async () => {
    const many = Array.from({ length: 1000 }, (_, index) => `c${index}`);
    const form = await formOf(`uid,title,\u001b[2J,${many.join(',')}\n1,A${','.repeat(1001)}\n`);
    expect(form).to.contain('Ignored: \u{fffd}[2J, c0, c1,').and.to.contain('c38 and 961 more.');
  });

  it('is reported with unnamed columns', async () => {
    expect(await formOf(',uid,title\n0,1,A\n')).to.contain('Ignored: (no name).');
  });

  it('allows a duplicate name unless that column would be used', async () => {
    const { form, details } = await readText('uid,title,name,Name,Aired,aired\n1,A,B,C,,\n');
    expect(form).to.contain('title -> title').and.to.contain('Ignored: name (another column');
    expect(details).to.deep.equal([{ title: 'A' }]);
  });

  for (const image of [
    'https://example.org/1.jpg',
    '/images/1',
    '1.webp',
    'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" />',
  ]) {
    it(`uses ${image} as the address of an image`, async () => {
      const { details } = await readText(`uid,title,image\n${csvLine(['1', 'A', image], ',')}\n`);
      expect(details).to.deep.equal([{ title: 'A', image }]);
    });
  }

  it('is reported where a file has only ids and titles', async () => {
    const { form, details } = await readText('id;title\n1;Akira\n');
    expect(form).to.equal(
      'semicolon separated, 2 columns. Used: id -> id, title -> title. ' +
        'Only ids and titles are imported: no column holds another detail.',
    );
    expect(details).to.deep.equal([{ title: 'Akira' }]);
  });

  it('uses a rating of numbers up to 10 as the score', async () => {
    expect(await formOf('anime_id,name,rating\n1,A,8.82\n2,B,\n')).to.contain('rating -> score');
  });

  it('prefers the score where the rating is a number too', async () => {
    const { form, details } = await readText('anime_id,name,rating,score\n1,A,1,8.5\n');
    expect(form)
      .to.contain('score -> score')
      .and.to.contain('Ignored: rating (another column is taken as score).');
    expect(details).to.deep.equal([{ title: 'A', score: 8.5 }]);
  });

  it('does not use a rating without any number as the score', async () => {
    const { form, details } = await readText('anime_id,name,rating\n1,A,Unknown\n2,B,\n');
    expect(form).to.contain('Ignored: rating (only unknown values).');
    expect(details).to.deep.equal([{ title: 'A' }, { title: 'B' }]);
  });

  for (const [column, cells, reason] of [
    ['score', ['84', '91', '7'], 'no numbers from 0 to 10'],
    ['episodes', ['24 min', '1 hr', '12'], 'no whole numbers'],
    ['genres', ['1, 24', '[4, 8]', 'Action'], 'no genres'],
    ['image', ['poster', 'none yet', 'https://example.org/1.jpg'], 'no addresses'],
    ['type', ['1', '2', 'TV'], 'no types'],
    ['popularity', ['23.4', '1.25', '7'], 'no whole numbers'],
  ] as const) {
    it(`ignores a column ${column} whose cells mostly do not fit`, async () => {
      const lines = cells.map((cell, index) => csvLine([String(index + 1), 'A', cell], ','));
      const { form, details } = await readText(`mal_id,title,${column}\n${lines.join('\n')}\n`);
      expect(form).to.contain(`Ignored: ${column} (${reason}).`);
      expect(details).to.deep.equal([{ title: 'A' }, { title: 'A' }, { title: 'A' }]);
    });
  }

  it('uses the next likely column where the likeliest has no ids', async () => {
    const { form } = await readText('anime_id,id,title\ncowboy-bebop,1,Cowboy Bebop\n');
    expect(form).to.contain('Used: id -> id').and.to.contain('Ignored: anime_id');
  });

  it('is recognised from at most the first thousand rows', async () => {
    const lines = Array.from({ length: 1001 }, (_, index) => `${index + 1},A,`);
    const { details } = await readText(`uid,title,score\n${lines.join('\n')}much\n`);
    expect(details.at(-1)).to.equal('score must be a number from 0 to 10: "much"');
    expect(details.slice(0, -1)).to.deep.equal(lines.slice(0, -1).map(() => ({ title: 'A' })));
  });
});

describe('a file of a catalogue', () => {
  for (const [name, separator] of [
    ['comma', ','],
    ['semicolon', ';'],
    ['tab', '\t'],
  ] as const) {
    it(`may be ${name} separated, with the other separators inside its cells`, async () => {
      const lines = [
        ['anime_id', 'name', 'genre;s, or\tmore', 'synopsis'],
        ['1', 'A, B; C', 'x', 'say "no", twice;\nor never\t.'],
        ['2', 'E', '', ''],
      ].map((cells) => csvLine(cells, separator));
      for (const mark of ['', '\u{feff}']) {
        for (const end of ['\n', '\r\n']) {
          const { form, details } = await readText(mark + lines.join(end) + end);
          expect(form).to.contain(`${name} separated, 4 columns.`);
          expect(details).to.deep.equal([
            { title: 'A, B; C', description: 'say "no", twice;\nor never\t.' },
            { title: 'E' },
          ]);
        }
      }
    });
  }

  const XLSX = Buffer.from('PK\u0003\u0004....[Content_Types].xml....xl/workbook.xml');

  for (const [what, content, message] of [
    ['gzip', gzipSync('anime_id,name\n1,A\n'), 'The file is compressed by gzip: unpack it first.'],
    ['a ZIP archive', 'PK\u0003\u0004....anime.csv', 'The file is a ZIP archive: unpack it first.'],
    ['a workbook', XLSX, 'The file is an Excel workbook: save it as CSV in UTF-8.'],
    [
      'an old workbook',
      Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1]),
      'The file is an Excel workbook: save it as CSV in UTF-8.',
    ],
    [
      'UTF-16 without a byte order mark',
      Buffer.from('anime_id,name\n1,A\n', 'utf16le'),
      'The file is binary or UTF-16, not text in UTF-8.',
    ],
    ['bytes of a program', '\u007fELF\0\0\n', 'The file is binary or UTF-16, not text in UTF-8.'],
    ['a web page', '\u{feff}\n <!DOCTYPE html>\n', 'The file is a web page or XML, not CSV.'],
    ['JSON', '[{"mal_id": 1}]\n', 'The file is JSON, not CSV.'],
    [
      'a pointer of Git LFS',
      'version https://git-lfs.github.com/spec/v1\n',
      'The file is a pointer of Git LFS: "git lfs pull" fetches the file itself.',
    ],
    [
      'a quote left open in the first line',
      '"anime_id,name\n1,A\n2,B\n',
      'The first line cannot be read: a quote that opens here is never closed: nothing after it could be read.',
    ],
    ['nothing but a first line', 'uid,title\n\n', 'The file has no rows after its header line.'],
    [
      'no column of titles',
      'anime_id,score\n1,8.75\n',
      'The first line names no column of titles, such as "title" or "name"; it names "anime_id", "score".',
    ],
    [
      'no ids in the column of ids',
      'anime_id,title\nbebop,A\nakira,B\n',
      'No ids (whole numbers from 1) are in the column "anime_id".',
    ],
    ['no titles', 'uid,name\n1,\n2, \n', 'No titles are in the column "name".'],
    [
      'rows of another width',
      'uid,title\n1,A,x\n2,B,y\n',
      'None of the first rows can be read. Line 2: has 3 columns where the header has 2.',
    ],
    [
      'no row with an id and a title',
      'uid,title\n1,\n,B\n',
      'None of the first rows can be read. Line 2: title must not be blank: "".',
    ],
    [
      "people's ratings",
      'user_id,Username,anime_id,Anime Title,rating\n1,spike,21,One Piece,9\n',
      'The rows are about users, not titles: one column is "user_id".',
    ],
  ] as const) {
    it(`is refused where it is, or has, ${what}`, async () => {
      expect(await messageOf(content)).to.equal(message);
    });
  }
});

describe('a cell of a catalogue', () => {
  const COLUMNS = 'uid,title,synopsis,img_url,type,episodes,genre,score,popularity,members';
  const KNOWN = '9,Known,Text.,https://example.org/9.jpg,TV,26,Action,8.75,43,7';

  for (const marker of [
    ...['', ' ', 'UNKNOWN', 'Unknown', 'unknown', 'N/A', 'n/a', 'NA', '#N/A', 'Not available'],
    ...['NaN', 'nan', 'None', 'NONE', 'null', 'NULL', '\\N', '<NA>', '-', '--', '\u2014', '?'],
  ]) {
    it(`means unknown with "${marker}", except for a title`, async () => {
      const row = ['1', `${marker}x`, ...Array.from({ length: 8 }, () => marker)];
      const titled = ['2', marker.trim() === '' ? 'B' : marker, ...row.slice(2)];
      const { details } = await readText(
        [COLUMNS, KNOWN, row.join(','), titled.join(',')].join('\n'),
      );
      expect(details.slice(1)).to.deep.equal([
        { title: `${marker}x`.trim() },
        { title: marker.trim() === '' ? 'B' : marker },
      ]);
    });
  }

  it('that is unknown clears the detail with --clear', async () => {
    const unknown = '1,Akira,NaN,-,Unknown,N/A,[],0,UNKNOWN,?';
    const { details } = await readText([COLUMNS, KNOWN, unknown].join('\n'), { clear: true });
    expect(details[1]).to.deep.equal({
      title: 'Akira',
      description: null,
      image: null,
      type: null,
      episodes: null,
      genres: [],
      score: null,
      popularity: null,
      members: null,
    });
  });

  it('of a column that is not used clears nothing', async () => {
    const { details } = await readText('uid,title,rating\n1,A,PG-13\n2,B,\n', { clear: true });
    expect(details).to.deep.equal([{ title: 'A' }, { title: 'B' }]);
  });

  for (const placeholder of [
    'No description available for this anime.',
    'No synopsis has been added for this series yet. Click here to update this information.',
    'No synopsis information has been added to this title. Help improve our database.',
  ]) {
    it(`that only says "${placeholder.slice(0, 30)}..." is no description`, async () => {
      const { details } = await readText(`uid,title,synopsis\n1,A,${placeholder}\n2,B,No one.\n`);
      expect(details).to.deep.equal([{ title: 'A' }, { title: 'B', description: 'No one.' }]);
    });
  }

  for (const [detail, cell, value] of [
    ['score', '8.75', 8.75],
    ['score', '8,75', 8.75],
    ['score', '10', 10],
    ['score', '0', undefined],
    ['score', '0.0', undefined],
    ['score', '-1', undefined],
    ['score', '-1.0', undefined],
    ['episodes', '0', undefined],
    ['episodes', '26,0', 26],
    ['popularity', '0', undefined],
    ['members', '0', 0],
    ['members', '-1', undefined],
    ['members', '1234567', 1_234_567],
    ['members', '1,234,567', 1_234_567],
    ['members', '1.234.567', 1_234_567],
    ['members', '1 234 567', 1_234_567],
    ['members', '1\u00a0234\u00a0567', 1_234_567],
    ['members', "1'234'567", 1_234_567],
    ['members', '1,234,567.0', 1_234_567],
    ['members', '1.234', 1234],
  ] as const) {
    it(`of ${detail} with ${cell} means ${value ?? 'unknown'}`, async () => {
      const { details } = await readText(`uid;title;${detail}\n1;A;${cell}\n2;B;7\n`);
      expect(details[0]).to.deep.equal({
        title: 'A',
        ...(value === undefined ? {} : { [detail]: value }),
      });
    });
  }

  for (const cell of ['1,234.567', '1.234,567', '12,34', '1,2345', '1e3', '0x10', '1,234 567']) {
    it(`of members with ${cell} is refused`, async () => {
      const { details } = await readText(`uid;title;members\n1;A;${cell}\n2;B;7\n`);
      expect(details[0]).to.be.a('string').and.to.contain('members must be a whole number');
    });
  }

  for (const [cell, genres] of [
    ['Action, Sci-Fi', ['Action', 'Sci-Fi']],
    ['Action;Sci-Fi', ['Action', 'Sci-Fi']],
    ['Action | Sci-Fi', ['Action', 'Sci-Fi']],
    ['Action, ,Sci-Fi,Action,', ['Action', 'Sci-Fi']],
    ['Action, Unknown', ['Action']],
    ['Action &amp; Adventure', ['Action & Adventure']],
    [`['Action', "Kids' Fun"]`, ['Action', "Kids' Fun"]],
    [`["Action", "Slice of \\"Life\\""]`, ['Action', 'Slice of "Life"']],
    [`['Kids\\' Fun', 'Caf\\xe9', 'Pok\\u00e9mon']`, ["Kids' Fun", 'Café', 'Pokémon']],
    [`['Kids' Fun', 'Action']`, ["Kids' Fun", 'Action']],
    [`['Action' 'Drama']`, ['Action', 'Drama']],
    [`['Action, Drama']`, ['Action', 'Drama']],
    [`['Action', 'Action', '', None]`, ['Action']],
    [`{'Action', 'Drama'}`, ['Action', 'Drama']],
    [`{Action,"Slice of Life"}`, ['Action', 'Slice of Life']],
    [`('Action', 'Drama')`, ['Action', 'Drama']],
    ['[Action, Drama]', ['Action', 'Drama']],
    [`[{'id': 1, 'name': 'Action'}, {'id': 8, 'name': "Kids' Fun"}]`, ['Action', "Kids' Fun"]],
    ['[]', undefined],
    ['{}', undefined],
    [`['Unknown']`, undefined],
    [`['None found', 'add some']`, undefined],
    ['No genres have been added yet.', undefined],
  ] as const) {
    it(`of genres with ${cell} means ${genres?.join(' and ') ?? 'unknown'}`, async () => {
      const row = csvLine(['1', 'A', cell], ',');
      const { details } = await readText(`uid,title,genre\n${row}\n2,B,Horror\n`);
      expect(details[0]).to.deep.equal({ title: 'A', ...(genres === undefined ? {} : { genres }) });
    });
  }

  it('of genres that is hostile costs one row and little time', async () => {
    const hostile = [
      `['${"\\'".repeat(100_000)}`,
      `[${"'a' ".repeat(100_000)}`,
      `[${"'name':'".repeat(100_000)}]`,
      `[{${"'name':'".repeat(2_000)}]`,
      `[${' '.repeat(400_000)}x`,
    ].map((cell, index) => csvLine([String(index + 1), 'A', cell], ','));
    const good = Array.from({ length: 9 }, (_, index) => `${index + 11},B,Horror`);
    const { rows } = await readText(['uid,title,genre', ...good, ...hostile].join('\n'));
    expect(rows).to.have.lengthOf(14);
    const rejected = rows.filter(({ kind }) => kind === 'rejected');
    expect(rejected.map(({ line }) => line)).to.deep.equal([11, 12, 13, 15]);
  });
});
