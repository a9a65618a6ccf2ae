import { stripVTControlCharacters } from 'node:util';
import { formatPlan, formatSeconds } from '../../../bin/plan/format-plan';
import { planOf } from '../../../bin/plan/plan';

test.each([
  [0.25, '0.25 s'],
  [119, '119 s'],
  [120, '2 min'],
  [257.14, '4.29 min (257 s)'],
  [7_200, '2 h'],
  [10_830, '3.01 h (10830 s)'],
  [345_600, '4 d'],
])('says %d seconds as %s', (seconds, text) => {
  expect(formatSeconds(seconds)).toBe(text);
});

test('prints the plan for a person', () => {
  const plan = planOf({
    processingTime: 2.5,
    latency: 60,
    concurrency: 4,
    warmPool: false,
    spot: false,
    min: 0,
    json: false,
  });
  expect(stripVTControlCharacters(formatPlan(plan))).toMatchInlineSnapshot(`
   "2.5 s of work per message (p99 10 s), 4 messages at a time, start within 60 s

   Reaction
     a new instance helps after  4.5 min (270 s)   120 s until an alarm sees it + 2.5 min (150 s) boot
     a backlog is worked off in  2.25 min (135 s)  half the goal, or half the reaction if longer
     slots planned to be busy    85 %              the goal is short: some slots stay free

   Queue and worker
     visibility timeout                     60 s             renewed every 20 s; a dead worker's message is back after it
       without renewal                      75 s             for a consumer that never renews
     receives before the dead-letter queue  3                a good message gets lost to it less than once in a million
     retention                              4 d              the dead-letter queue keeps 14 d
     drain before an instance goes          60 s             terminate hook 2 min
     a boot is given up after               7.5 min (450 s)  launch hook, three boots

   Group of 0 to 10 instances
     largest group  10            no peak declared: give --peak and --burst to have it checked
     216 waiting    1 instance
     432 waiting    2 instances
     1080 waiting   5 instances
     2160 waiting   10 instances

   Wait after a sudden jump of the load (0 idle instances)
     by 1 instance-load    up to 4.5 min (270 s)  over the goal: keep 1 idle
     by 2 instance-loads   up to 4.5 min (270 s)  over the goal: keep 2 idle
     by 5 instance-loads   up to 4.5 min (270 s)  over the goal: keep 4 idle
     by 10 instance-loads  up to 4.5 min (270 s)  over the goal: keep 8 idle

   Warnings at synth
   ! worst wait after a jump of 10 instance-loads: 270 s, more than the acceptable 60 s, because a new instance takes about 270 s to help: keep 8 idle instances, use a warm pool, or accept 270 s
     cdk-queue-fleet:latencyBelowReaction
   ! with no instance running the first message waits about 270 s, and up to 20 minutes after 6 idle hours, because SQS then stops publishing metrics: keep one instance if that is too long
     cdk-queue-fleet:scaleToZeroWakesLate"
  `);
});
