import { createReadStream } from 'node:fs';
import { expect } from 'chai';
import { readCatalog, type CatalogRow } from '../../../src/import/catalog-csv.js';

describe('the sample catalogue', () => {
  it('contains well-known titles with all details, and no row that an import rejects', async () => {
    const rows: CatalogRow[] = [];
    const source = createReadStream('data/sample-catalog.csv') as AsyncIterable<Buffer>;
    for await (const row of readCatalog(source)) rows.push(row);
    const titles = new Map(
      rows.flatMap((row) => (row.kind === 'title' ? [[row.animeId as number, row.details]] : [])),
    );
    expect(titles.size).to.equal(rows.length).and.be.at.least(60);
    expect(titles.get(1)).to.include({ title: 'Cowboy Bebop', type: 'TV', episodes: 26 });
    expect(titles.get(5)).to.include({ title: 'Cowboy Bebop: Tengoku no Tobira' });
    expect(titles.get(20)).to.include({ title: 'Naruto' });
    expect(titles.get(21)).to.include({ title: 'One Piece' }).and.not.have.property('episodes');
    for (const details of titles.values()) {
      expect(details).to.include.all.keys('description', 'image', 'score', 'popularity', 'members');
      expect(details.genres).to.not.be.empty;
    }
  });
});
