import dns from 'node:dns';
import { isIP } from 'node:net';

/** From now on no host name has an address. @returns what undoes it */
export function withoutDns(): () => void {
  const real = dns.lookup;
  const spy = jest.spyOn(dns, 'lookup').mockImplementation(((hostname: string, ...rest: never[]) => {
    if (isIP(hostname) !== 0) return (real as (...all: unknown[]) => void)(hostname, ...rest);
    const callback = rest.at(-1) as unknown as (error: Error) => void;
    process.nextTick(callback, Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: 'ENOTFOUND' }));
  }) as typeof dns.lookup);
  return () => spy.mockRestore();
}
