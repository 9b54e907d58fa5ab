import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Button, Dialog } from './basics.js';
import { UserText } from './text.js';

/** A form in front of the page: sends once what it is given, and stays open with what was wrong with it. */
export function FormDialog({
  title,
  verb,
  send,
  onClose,
  children,
  wide = false,
}: {
  title: string;
  /** On the button that sends it. */
  verb: string;
  /** Closes the dialog where it was done; throws an error whose message a person can act on. */
  send: () => Promise<void>;
  onClose: () => void;
  children: ComponentChildren;
  wide?: boolean;
}): JSX.Element {
  const [wrong, setWrong] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const submit = async (): Promise<void> => {
    setBusy(true);
    setWrong(null);
    try {
      await send();
    } catch (error) {
      setWrong((error as Error).message);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose} wide={wide}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        {children}
        {wrong !== null && (
          <p class="wrong" role="alert">
            <UserText text={wrong} />
          </p>
        )}
        <div class="dialog-end">
          <Button onClick={onClose}>Leave it</Button>
          <Button kind="primary" type="submit" disabled={isBusy}>
            {verb}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

export const Field = ({
  label,
  children,
}: {
  label: ComponentChildren;
  children: ComponentChildren;
}): JSX.Element => (
  <label class="field">
    <span>{label}</span>
    {children}
  </label>
);
