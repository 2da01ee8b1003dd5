import { expect } from 'chai';
import { lineChart } from '../../../bench/support/line-chart.js';
import { steadiness } from '../../../bench/support/steadiness.js';

describe('the steadiness of a soak', () => {
  it('has no drift for a saw tooth, whose teeth are its range', () => {
    const points = Array.from({ length: 600 }, (_, x) => [x, 100 + (x % 20)] as const);
    const { median, spread, drift } = steadiness(points);
    expect(median).to.be.closeTo(109.5, 0.5);
    expect(spread).to.be.closeTo(19 / 109.5, 0.01);
    expect(drift).to.be.closeTo(0, 0.01);
  });

  it('has the drift of a line, whatever swings around it', () => {
    const points = Array.from({ length: 600 }, (_, x) => [x, 100 + x / 6 + (x % 20)] as const);
    const { slope, drift, median } = steadiness(points);
    expect(slope).to.be.closeTo(1 / 6, 0.01);
    expect(drift).to.be.closeTo(100 / median, 0.02);
  });
});

describe('the picture of a soak', () => {
  it('stays below 50 kB for a day of samples, and has a line for each series', () => {
    const points = Array.from({ length: 20_000 }, (_, x) => [x / 12, 250 + (x % 50)] as const);
    const names = ['rss', 'heapTotal', 'heapUsed', 'external'];
    const series = names.map((name) => ({ name, points }));
    const svg = lineChart({ title: 'A day', xLabel: 'minutes', series });
    expect(svg.length).to.be.below(50_000);
    expect(svg.match(/<polyline /g)).to.have.length(names.length);
    for (const name of names) expect(svg).to.include(`>${name}</text>`);
  });
});
