import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js';
import type { Job } from 'kubernetes-types/batch/v1.js';
import type { ConfigMap, PodSpec, Service } from 'kubernetes-types/core/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import { parse } from 'yaml';
import { parseInvocation } from '../../src/cli/arguments.js';
import {
  refuseAnonymous,
  requireSharedServers,
  ROLES,
  type Role,
} from '../../src/compose/roles.js';
import { ConfigError, loadConfig, type Config } from '../../src/platform/config/config.js';
import { settings } from '../../src/platform/config/help.js';
import { PROBES } from '../../src/platform/http/http-app.js';
import { MANIFESTS, readManifests, typeErrorsOf, type Manifest } from '../support/kubernetes.js';

const OURS = ROLES.filter((role) => role !== 'all');
const PORT_OF: Readonly<Record<string, (config: Config) => number>> = {
  'command-api': (config) => config.commandPort,
  'query-api': (config) => config.queryPort,
  bridge: (config) => config.bridgePort,
  projector: (config) => config.projectorPort,
};
const ADDRESSES = ['EVENTSTORE_URL', 'KAFKA_BROKERS', 'MONGODB_URL'];

/** A Secret as README.md describes it. */
const SECRETS: Readonly<Record<string, string>> = {
  EVENTSTORE_URL: 'esdb://reader:8hYw2kQn@events.example.com:2113',
  MONGODB_URL: 'mongodb://writer:8hYw2kQn@documents.example.com:27017/?tls=true',
  KAFKA_USERNAME: 'anime-analytics',
  KAFKA_PASSWORD: '8hYw2kQnPz',
  API_KEYS: 'a-key-of-16-characters',
  READER_API_KEYS: 'another-key-of-16-characters',
};

let manifests: readonly Manifest[];

/** The manifest of a kind with this name; of a Job, with this name generated. */
const find = (kind: string, name: string): Manifest['content'] => {
  const found = manifests.find(({ content }) => {
    const { metadata = {} } = content as { metadata?: { name?: string; generateName?: string } };
    return content.kind === kind && (metadata.name ?? metadata.generateName) === name;
  });
  return found?.content ?? expect.fail(`there is no ${kind} ${name}`);
};

const podOf = ({ spec }: Deployment | Job): PodSpec =>
  spec?.template.spec ?? expect.fail('there is no pod');

const containerOf = (pod: PodSpec) => {
  expect(pod.containers).to.have.length(1);
  return pod.containers[0] ?? expect.fail('there is no container');
};

/** The environment of a pod's process: the image's, and what the manifests give. */
const environmentOf = (pod: PodSpec): Record<string, string> => {
  const { data = {} } = find('ConfigMap', 'settings') as ConfigMap;
  const given = (containerOf(pod).env ?? []).map(({ name, valueFrom }) => {
    const { configMapKeyRef: fromMap, secretKeyRef: fromSecret } = valueFrom ?? {};
    const value = fromMap === undefined ? SECRETS[fromSecret?.key ?? ''] : data[fromMap.key];
    return [name, value ?? expect.fail(`${name} has no value`)] as const;
  });
  return { NODE_ENV: 'production', HOST: '0.0.0.0', ...Object.fromEntries(given) };
};

const neededBy = (role: Role): readonly string[] => {
  try {
    requireSharedServers(role, loadConfig({}));
  } catch (error) {
    expect(error).to.be.instanceOf(ConfigError);
    return (error as Error).message.split(':')[0]?.split(', ') ?? [];
  }
  return [];
};

const expectUnprivileged = (pod: PodSpec): void => {
  expect(pod.securityContext).to.include({ runAsNonRoot: true, runAsUser: 1000 });
  expect(pod.securityContext?.seccompProfile).to.deep.equal({ type: 'RuntimeDefault' });
  expect(pod.automountServiceAccountToken).to.equal(false);
  const { securityContext, volumeMounts } = containerOf(pod);
  expect(securityContext).to.deep.equal({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  expect(volumeMounts).to.deep.equal([{ name: 'tmp', mountPath: '/tmp' }]);
  expect(pod.volumes).to.deep.equal([{ name: 'tmp', emptyDir: { sizeLimit: '64Mi' } }]);
};

const expectBounded = (pod: PodSpec): void => {
  const { resources } = containerOf(pod);
  expect(resources?.requests).to.have.all.keys('cpu', 'memory');
  expect(resources?.limits).to.have.all.keys('memory');
};

const expectKnownSettings = (pod: PodSpec): void => {
  const known = settings.map(({ variable }) => variable);
  expect(known).to.include.members((containerOf(pod).env ?? []).map(({ name }) => name));
};

describe('the Kubernetes manifests', function () {
  this.timeout(60_000);

  before(async () => {
    manifests = await readManifests();
  });

  it('have the types that Kubernetes declares for them', () => {
    expect(typeErrorsOf(manifests)).to.deep.equal([]);
  });

  for (const [mistake, right, wrong] of [
    ['a key that does not exist', '"readinessProbe"', '"readynessProbe"'],
    ['a value of another type', '"periodSeconds":5', '"periodSeconds":"5"'],
    ['another version', '"apps/v1"', '"apps/v1beta1"'],
  ] as const) {
    it(`would be refused for ${mistake}`, () => {
      const text = JSON.stringify(manifests);
      expect(text).to.contain(right);
      const spoilt = JSON.parse(text.replace(right, wrong)) as readonly Manifest[];
      expect(typeErrorsOf(spoilt)).to.have.length.above(0);
    });
  }

  it('are all in the kustomization, except the jobs', async () => {
    const text = await readFile(`${MANIFESTS}/kustomization.yaml`, 'utf8');
    const { resources } = parse(text) as { readonly resources: readonly string[] };
    const files = manifests.map(({ file }) => file).filter((file) => !file.startsWith('jobs/'));
    expect(resources).to.have.members([...new Set(files)]);
  });

  it('use one image', async () => {
    const text = await readFile(`${MANIFESTS}/kustomization.yaml`, 'utf8');
    const { images } = parse(text) as {
      readonly images: readonly Readonly<Record<'name' | 'newName' | 'newTag', string>>[];
    };
    const [image] = images;
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
    expect(image?.newTag).to.equal(version);
    for (const { content } of manifests) {
      if (content.kind !== 'Deployment' && content.kind !== 'Job') continue;
      const expected =
        content.kind === 'Job' ? `${image?.newName ?? ''}:${version}` : (image?.name ?? '');
      expect(containerOf(podOf(content as Deployment | Job)).image).to.equal(expected);
    }
  });

  it('take no secret that README.md does not explain, and all that it does', async () => {
    const page = await readFile(`${MANIFESTS}/README.md`, 'utf8');
    const explained = page
      .match(/^\| `.*$/gm)
      ?.flatMap((row) =>
        [...(row.split('|')[1] ?? '').matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name),
      );
    expect(explained).to.have.members(Object.keys(SECRETS));
  });
});

for (const role of OURS) {
  describe(`the Deployment of ${role}`, () => {
    const deployment = () => find('Deployment', role) as Deployment;
    const pod = () => podOf(deployment());
    const config = () => loadConfig(environmentOf(pod()));

    before(async () => {
      manifests = await readManifests();
    });

    it('starts that role', () => {
      const invocation = parseInvocation(containerOf(pod()).args ?? []);
      expect(invocation).to.include({ command: 'serve', role });
      expect(containerOf(pod()).command).to.equal(undefined);
    });

    it('has only settings that exist, and starts with them in production', () => {
      expectKnownSettings(pod());
      expect(config().env).to.equal('production');
      refuseAnonymous(config());
    });

    it('has the server addresses that it needs, and no other', () => {
      const given = Object.keys(environmentOf(pod()));
      const addresses = ADDRESSES.filter((name) => given.includes(name));
      expect(addresses).to.have.members(neededBy(role));
    });

    it('gets no variables for Services, whose names are those of settings', () => {
      expect(pod().enableServiceLinks).to.equal(false);
    });

    it('is probed at the port that it serves', () => {
      const { ports = [], livenessProbe, readinessProbe, startupProbe } = containerOf(pod());
      expect(ports).to.deep.equal([{ name: 'http', containerPort: PORT_OF[role]?.(config()) }]);
      expect(livenessProbe?.httpGet).to.deep.equal({ path: '/live', port: 'http' });
      expect(startupProbe?.httpGet).to.deep.equal({ path: '/live', port: 'http' });
      expect(readinessProbe?.httpGet).to.deep.equal({ path: '/ready', port: 'http' });
      expect(PROBES).to.include.members(['/live', '/ready']);
    });

    it('has longer to stop than it takes', () => {
      const { shutdownGraceMs, shutdownTimeoutMs } = config();
      const { terminationGracePeriodSeconds: seconds = 0 } = pod();
      expect(seconds * 1000).to.be.at.least(shutdownGraceMs + shutdownTimeoutMs + 5_000);
    });

    it('runs unprivileged, and can write to /tmp only', () => expectUnprivileged(pod()));

    it('requests memory and processor time, and is bounded in memory', () => expectBounded(pod()));

    it('selects its own pods, as do its budget and its Service', () => {
      const labels = deployment().spec?.template.metadata?.labels ?? {};
      expect(labels).to.deep.equal({ 'app.kubernetes.io/name': role });
      expect(deployment().spec?.selector).to.deep.equal({ matchLabels: labels });
      const { spec: budget } = find('PodDisruptionBudget', role) as PodDisruptionBudget;
      expect(budget).to.deep.equal({ maxUnavailable: 1, selector: { matchLabels: labels } });
      if (!role.endsWith('-api')) return;
      const { spec: service } = find('Service', role) as Service;
      expect(service?.selector).to.deep.equal(labels);
      expect(service?.ports?.map(({ port }) => port)).to.deep.equal([PORT_OF[role]?.(config())]);
    });

    it('runs more than once, and no more often than is of use', () => {
      if (role === 'bridge') {
        expect(deployment().spec?.replicas).to.equal(2);
        return;
      }
      // A number here would undo what the autoscaler has chosen.
      expect(deployment().spec?.replicas).to.equal(undefined);
      const { spec } = find('HorizontalPodAutoscaler', role) as HorizontalPodAutoscaler;
      expect(spec?.scaleTargetRef).to.include({ kind: 'Deployment', name: role });
      expect(spec?.minReplicas).to.be.at.least(2);
      if (role === 'projector') expect(spec?.maxReplicas).to.equal(config().kafka.partitions);
    });
  });
}

for (const [name, args] of [
  ['projections-deploy-', ['projections', 'deploy']],
  ['rebuild-', ['rebuild']],
  ['rebuild-promote-', ['rebuild', 'promote']],
] as const) {
  describe(`the Job ${name}`, () => {
    const pod = () => podOf(find('Job', name) as Job);

    before(async () => {
      manifests = await readManifests();
    });

    it('runs that command, with settings that exist', () => {
      expect(containerOf(pod()).args).to.deep.equal(args);
      expect(parseInvocation(containerOf(pod()).args ?? []).command).to.equal(args[0]);
      expectKnownSettings(pod());
      expect(loadConfig(environmentOf(pod())).eventStore.url).to.equal(SECRETS['EVENTSTORE_URL']);
    });

    it('runs once, unprivileged and bounded', () => {
      expect(pod().restartPolicy).to.equal('Never');
      expect(pod().enableServiceLinks).to.equal(false);
      expectUnprivileged(pod());
      expectBounded(pod());
    });
  });
}
