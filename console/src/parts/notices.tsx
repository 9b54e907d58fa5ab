import type { JSX } from 'preact';
import { dismiss, notices } from '../state/notices.js';
import { Button } from './basics.js';
import { UserText } from './text.js';

/** What was done, or why it was not, at the edge of the page. */
export const Notices = (): JSX.Element => (
  <div class="notices" role="status" aria-live="polite">
    {notices.value.map(({ id, text, isError }) => (
      <div class={isError ? 'notice error' : 'notice'} key={id}>
        <p>
          <UserText text={text} />
        </p>
        <Button kind="quiet" icon="close" aria-label="Dismiss" onClick={() => dismiss(id)} />
      </div>
    ))}
  </div>
);
