import { parseArgs } from 'node:util';

/**
 * What every benchmark takes: --quick for a smoke test, --rounds and --seconds to measure longer, --only for a
 * part, --beside for the folder of another version, built, that is measured in the same rounds.
 */
export const benchArguments = () => {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      alone: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      'over-grpc': { type: 'boolean', default: false },
      only: { type: 'string' },
      beside: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
    },
  });
  const { quick } = values;
  return {
    quick,
    alone: values.alone,
    profile: values.profile,
    overGrpc: values['over-grpc'],
    only: values.only,
    beside: values.beside,
    rounds: Number(values.rounds ?? (quick ? 1 : 5)),
    durationMs: Number(values.seconds ?? (quick ? 0.5 : 4)) * 1000,
  };
};
