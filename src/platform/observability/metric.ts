import { Gauge, type Registry } from 'prom-client';

/** All names of our own metrics begin with it. */
export const PREFIX = 'anime_analytics_';

/** Buckets of durations. */
export const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export type Registers = Registry[];

interface FollowedNumber {
  readonly help: string;
  readonly value: () => number | Promise<number>;
  readonly registers: Registers;
}

/** A gauge that asks for its number at every scrape. */
export const followNumber = (name: string, { help, value, registers }: FollowedNumber): void => {
  new Gauge({
    name,
    help,
    registers,
    async collect() {
      this.set(await value());
    },
  });
};
