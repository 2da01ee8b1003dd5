import type { HealthResponse } from '../data/pipeline.js';
import { Badge } from './small.js';

/** The state of each part, and what an operator must do. */
export const HealthReportOf = ({ report }: { readonly report: HealthResponse }) => {
  const troubles = Object.values(report.problems ?? {}).flatMap(({ streams }) => streams);
  return (
    <>
      <ul class="states">
        <li>
          <span>Service</span> <Badge state={report.status} />
        </li>
        {Object.entries(report.dependencies).map(([name, status]) => (
          <li key={name}>
            <span>{name.replaceAll('-', ' ')}</span> <Badge state={status} />
          </li>
        ))}
      </ul>
      {troubles.map(({ stream, detail, remedy }) => (
        <p key={stream} class="trouble">
          <strong>{stream}</strong>: {detail} {remedy}
        </p>
      ))}
    </>
  );
};
