import { createSqsClient } from '../../messaging/sdk-transport';
import { leanTransport } from '../../messaging/lean-transport';

/** What it does on the wire is the contract of every transport: transports.test.ts. */
describe('leanTransport', () => {
  const client = createSqsClient({ region: 'eu-west-1' });
  afterAll(() => client.destroy());

  test.each([0, 1.5, 1_001])('fails when it shall have %d sockets', (maxSockets) => {
    expect(() => leanTransport(client, { maxSockets })).toThrow(/'maxSockets' .* from 1 to 1000 sockets/);
  });

  test.each([0, NaN, 600_001])('fails when a request may take %d ms', (requestTimeoutMs) => {
    expect(() => leanTransport(client, { requestTimeoutMs })).toThrow(
      /'requestTimeoutMs' .* from 1 to 600000 milliseconds/,
    );
  });
});
