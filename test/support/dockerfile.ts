import { readFile } from 'node:fs/promises';

interface Instruction {
  readonly name: string;
  readonly text: string;
}

export interface Stage {
  readonly base: string;
  readonly name: string;
  readonly instructions: readonly Instruction[];
}

const DOCKERFILE = 'docker/Dockerfile';

/** The stages of the image, each ARG before the first of them filled in. */
export const readDockerfile = async (): Promise<readonly Stage[]> => {
  const text = await readFile(DOCKERFILE, 'utf8');
  const lines = text
    .replace(/^#.*\n/gm, '')
    .replace(/\s*\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const stages: { base: string; name: string; instructions: Instruction[] }[] = [];
  const defaults = new Map<string, string>();
  for (const line of lines) {
    const [, name = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (name === '') throw new Error(`${DOCKERFILE}: no instruction: ${line}`);
    if (name === 'ARG' && stages.length === 0) {
      const [variable = '', value = ''] = rest.split('=');
      defaults.set(variable, value);
    } else if (name === 'FROM') {
      const [base = '', , stage = ''] = rest.split(' ');
      const filled = base.replace(/\$\{(\w+)\}/g, (_, key: string) => defaults.get(key) ?? '');
      stages.push({ base: filled, name: stage, instructions: [] });
    } else {
      stages.at(-1)?.instructions.push({ name, text: rest });
    }
  }
  return stages;
};

/** What the instructions of this name in a stage say, in order. */
export const texts = (stage: Stage, name: string): readonly string[] =>
  stage.instructions.filter((one) => one.name === name).map(({ text }) => text);

/** The files that a stage takes from the repository. */
export const copiedFromRepository = (stage: Stage): readonly string[] =>
  texts(stage, 'COPY')
    .filter((text) => !text.startsWith('--from='))
    .flatMap((text) => text.split(' ').slice(0, -1));
