import { expect } from 'chai';
import { query } from '../http-client.js';
import type { FourProcesses } from './four-processes.js';
import { originOf } from './health-check.js';

/** The projector has begun to fill the version. */
export const expectFilling = async (stack: FourProcesses, version: string): Promise<void> => {
  const metrics = await fetch(`${originOf(stack.process('projector'))}/metrics`);
  expect(await metrics.text()).to.contain(
    `anime_analytics_projector_waiting_records{version="${version}"`,
  );
};

type Ended = Awaited<ReturnType<FourProcesses['job']>>;

const RUNS = 4;

/** The rebuild is ready, if need be after it was run again: it goes on where it stopped. */
export const expectBuilt = async (stack: FourProcesses, first: Ended): Promise<void> => {
  let last = first;
  for (let run = 1; run < RUNS && last.code !== 0; run += 1) last = await stack.job('rebuild');
  expect(last.code, last.output + last.errors).to.equal(0);
  expect(last.output).to.match(/is ready: /);
};

/** Queries are answered from the version. */
export const expectAnswering = async (stack: FourProcesses, version: string): Promise<void> => {
  const { serviceInfo } = await query(stack.queryUrl(), '{ serviceInfo { readModels } }');
  expect(serviceInfo).to.have.property('readModels', version);
};
