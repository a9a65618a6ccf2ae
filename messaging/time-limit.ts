import type { Clock } from './clock';
import { SqsError } from './sqs-errors';

/**
 * Gives a call up after `limitMs`: a black-holed socket must not hold the consumer. The call itself is not cancelled; its late
 * result goes to `late`, its late error nowhere.
 */
export function withTimeLimit<T>(
  clock: Clock,
  limitMs: number,
  call: Promise<T>,
  late?: (result: T) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let over = false;
    const cancel = clock.setTimer(limitMs, () => {
      over = true;
      reject(new SqsError('transient', 'TimeLimit', `no answer within ${limitMs} ms`));
    });
    call.then(
      (result) => {
        if (over) return late?.(result);
        cancel();
        resolve(result);
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}
