/** A warning of ours. Its id is public: users acknowledge it by name, and docs/errors.md lists it. */
export interface Warning {
  readonly id: string;
  readonly meaning: string;
}

/** A statement could not be added because the policy is not part of this app. */
export const POLICY_NOT_APPLIED: Warning = {
  id: 'policyNotApplied',
  meaning: 'A statement belongs into the policy of an imported queue or key; the text holds the JSON to apply',
};
