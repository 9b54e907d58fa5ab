import { type AlertRule, ALERT_RULES, type RecordingRule, RECORDING_RULES } from './alert-rules.js';

/** What a file of rules for Prometheus holds. */
export interface RulesFile {
  groups: { name: string; rules: (AlertRule | RecordingRule)[] }[];
}

/** All rules, as deploy/prometheus/bifrost.rules.yml has them. */
export const rulesFile = (): RulesFile => ({
  groups: [
    { name: 'bifrost-figures', rules: [...RECORDING_RULES] },
    { name: 'bifrost-alerts', rules: [...ALERT_RULES] },
  ],
});
