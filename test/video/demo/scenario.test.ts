import type { Scenario } from '../../../local/scenario';
import scenario from '../../../video/demo/scenario';

/** `video/` may not import `local/`, so the demo says for itself what it takes and gives: the compiler compares the two here. */
const asScenario: Scenario = scenario;

test('the demo is a scenario of a local run', () => {
  expect(asScenario).toBe(scenario);
  expect(scenario).toHaveLength(1);
});
