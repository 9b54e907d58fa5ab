import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { perform } from '../state/notices.js';
import { Button, Dialog } from './basics.js';

/** Asks before something that cannot be taken back, does it, and closes when it is done. */
export function Confirm({
  title,
  verb,
  children,
  work,
  onClose,
}: {
  title: string;
  verb: string;
  children: ComponentChildren;
  /** Resolves with what is said afterwards. */
  work: () => Promise<string | undefined>;
  onClose: () => void;
}): JSX.Element {
  const [isBusy, setBusy] = useState(false);
  const confirm = async (): Promise<void> => {
    setBusy(true);
    if (await perform(work)) onClose();
    else setBusy(false);
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <div class="dialog-text">{children}</div>
      <div class="dialog-end">
        <Button onClick={onClose}>Leave it</Button>
        <Button kind="danger" disabled={isBusy} onClick={() => void confirm()}>
          {verb}
        </Button>
      </div>
    </Dialog>
  );
}
