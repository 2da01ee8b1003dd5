import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { givenReadModels } from '../support/read-models.js';

describe('serviceInfo', () => {
  let api: Awaited<ReturnType<typeof givenReadModels>>;

  afterEach(() => api.stop());

  const READ_MODELS = '{ serviceInfo { readModels } }';

  it('returns version, role and lag', async () => {
    const serviceInfo = () =>
      Promise.resolve({ version: '1.2.3', role: 'query-api', lagEvents: 12, lagSeconds: 0.25 });
    api = await givenReadModels({}, { serviceInfo });
    const query = '{ serviceInfo { version role lagEvents lagSeconds readModels } }';
    expect(await api.ask(query)).to.deep.equal({
      data: {
        serviceInfo: {
          version: '1.2.3',
          role: 'query-api',
          lagEvents: 12,
          lagSeconds: 0.25,
          readModels: 'v1',
        },
      },
    });
  });

  it('returns null for a lag that this process cannot know', async () => {
    const serviceInfo = () => ({
      version: '1',
      role: 'query-api',
      lagEvents: null,
      lagSeconds: null,
    });
    api = await givenReadModels({}, { serviceInfo });
    expect(await api.ask('{ serviceInfo { lagEvents lagSeconds } }')).to.deep.equal({
      data: { serviceInfo: { lagEvents: null, lagSeconds: null } },
    });
  });

  it('names the version that was promoted', async () => {
    api = await givenReadModels({});
    expect(await api.ask(READ_MODELS)).to.have.nested.property('data.serviceInfo.readModels', 'v1');
    await api.store.createVersion('v2', 'log');
    await api.store.promote('v2');
    await eventually(async () => {
      const answer = await api.ask(READ_MODELS);
      expect(answer).to.have.nested.property('data.serviceInfo.readModels', 'v2');
    });
  });
});
