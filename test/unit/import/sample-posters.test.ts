import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { parse } from 'csv-parse/sync';
import { drawPoster } from '../../../scripts/support/poster.js';
import { withPosters } from '../../../scripts/support/sample-posters.js';
import { DETAILS } from '../../../src/domain/details.js';

interface Row {
  readonly myanimelist_id: string;
  readonly title: string;
  readonly image: string;
}

const PREFIX = 'data:image/svg+xml,';

const svgOf = ({ image }: Row): string => decodeURIComponent(image.slice(PREFIX.length));

describe('the posters of the sample catalogue', () => {
  let text: string;
  let rows: Row[];

  before(async () => {
    text = await readFile('data/sample-catalog.csv', 'utf8');
    rows = parse(text, { columns: true });
  });

  it('are what the script draws, in the last column', () => {
    expect(withPosters(text)).to.equal(text);
    expect(text.split('\n', 1)[0]).to.match(/,image$/);
  });

  it('are data URLs within the length limit of the catalogue', () => {
    for (const { title, image } of rows) {
      expect(image.startsWith(PREFIX), title).to.equal(true);
      expect(new URL(image).href, title).to.equal(image);
      expect(image.length, title).to.be.at.most(DETAILS.image.maxLength);
    }
  });

  it('have a text alternative', () => {
    for (const row of rows) {
      expect(svgOf(row)).to.match(
        /^<svg xmlns='http:\/\/www\.w3\.org\/2000\/svg' [^>]*role='img'>/,
      );
      expect(svgOf(row)).to.include(`<title>${row.title}</title>`);
    }
  });

  it('differ from title to title, even with the same name and genre', () => {
    expect(new Set(rows.map(({ image }) => image)).size).to.equal(rows.length);
    const subject = { title: 'One', type: 'TV', episodes: 12, genres: ['Sports'] };
    expect(drawPoster({ id: 1, ...subject })).to.not.equal(drawPoster({ id: 2, ...subject }));
    expect(drawPoster({ id: 1, ...subject })).to.equal(drawPoster({ id: 1, ...subject }));
  });

  it('contain no markup from a title', () => {
    const subject = { id: 1, type: '<TV>', episodes: null, genres: ['Unheard of'] };
    const svg = drawPoster({ ...subject, title: `</title><script>alert("a & b")</script>` });
    expect(svg).to.not.match(/<script|<TV/);
    expect(svg).to.include('&#60;/title&#62;');
  });
});
