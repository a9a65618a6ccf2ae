import { types } from 'node:util';

/**
 * Jest runs tests in a realm of their own, where errors of the network are not `instanceof Error`; the AWS SDK then replaces
 * them by errors that say nothing. Outside of Jest they are what this makes of them.
 *
 * @returns what undoes it
 */
export function recogniseNativeErrors(): () => void {
  Object.defineProperty(Error, Symbol.hasInstance, {
    configurable: true,
    value(this: unknown, error: unknown) {
      return (this === Error && types.isNativeError(error)) || ordinary.call(this as never, error);
    },
  });
  return () => Reflect.deleteProperty(Error, Symbol.hasInstance);
}

const ordinary = Function.prototype[Symbol.hasInstance];
