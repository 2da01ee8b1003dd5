import { expect } from 'chai';
import { parseAddress } from '../../../src/adapters/eventstoredb/connection.js';

const failureOf = (connectionString: string): string => {
  try {
    parseAddress(connectionString);
  } catch (error) {
    return String(error);
  }
  throw new Error('It was taken.');
};

describe('the connection string of the event store', () => {
  it('is shown without credentials and settings', () => {
    const { shown, options } = parseAddress('esdb://admin:ch%40nge@db:2113?tls=true');
    expect(shown).to.equal('esdb://db:2113');
    expect(options.defaultCredentials).to.deep.equal({ username: 'admin', password: 'ch@nge' });
    expect(options.tls).to.equal(true);
  });

  it('may name a cluster, and may use the names of KurrentDB', () => {
    expect(parseAddress('esdb://a:1,b:2,c:3').shown).to.equal('esdb://a:1,b:2,c:3');
    expect(parseAddress('esdb+discover://cluster').shown).to.equal('esdb+discover://cluster:2113');
    expect(parseAddress('kurrentdb://db').shown).to.equal('esdb://db:2113');
    expect(parseAddress('kurrent+discover://db').shown).to.equal('esdb+discover://db:2113');
  });

  it('is refused where a setting is unknown, by the name of the setting', () => {
    expect(failureOf('esdb://admin:secret@db?tlsCaFiel=ca.crt'))
      .to.include('tlsCaFiel')
      .and.not.include('secret');
  });

  it('is refused where it is malformed, without repeating it', () => {
    for (const wrong of [
      'http://admin:secret@db',
      'esdb://admin:secret@',
      'esdb://admin:secret@db:port',
      'esdb://admin:a@secret@db',
      'esdb://admin:a@secret/b@db',
      'esdb://admin:a?secret@db',
      'esdb://admin:1234?secret@db',
      'esdb://admin:a:secret@db',
      'esdb://admin:%secret@db',
    ]) {
      expect(failureOf(wrong))
        .to.include('esdb://user:password@host:2113')
        .and.not.include('secret');
    }
  });

  it('is refused where a number parses only in part', () => {
    expect(failureOf('esdb://db:2113x')).to.include('esdb://user:password@host:2113');
    expect(failureOf('esdb://db?defaultDeadline=10s')).to.include('defaultDeadline');
    expect(failureOf('esdb://db?keep-alive-interval=1e4')).to.include('keep-alive-interval');
    expect(parseAddress('esdb://db?defaultDeadline=10000').options.defaultDeadline).to.equal(10000);
  });

  it('is refused where it turns certificate checks or keep-alive off', () => {
    expect(failureOf('esdb://db?tls=true&tlsVerifyCert=false')).to.include('tlsCAFile');
    expect(parseAddress('esdb://db?tls=false&tlsVerifyCert=false').options.tls).to.equal(false);
    expect(failureOf('esdb://db?keepAliveInterval=-1')).to.include('Keep-alive');
  });
});
