import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { logIn } from '../state/session.js';

/** Asks for the token, which is then kept in a cookie that no script can read. */
export function LogInPage(): JSX.Element {
  const [token, setToken] = useState('');
  const [wrong, setWrong] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setWrong(await logIn(token.trim()));
    setBusy(false);
  };
  return (
    <main class="alone">
      <form class="log-in" onSubmit={(event) => void submit(event)}>
        <h1>Bifrost</h1>
        <p>This worker wants its token, the value of API_TOKEN.</p>
        <label for="token">Token</label>
        <input
          id="token"
          type="password"
          autocomplete="current-password"
          value={token}
          aria-invalid={wrong !== null}
          aria-describedby={wrong === null ? undefined : 'wrong'}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
        {wrong !== null && (
          <p id="wrong" class="wrong" role="alert">
            {wrong}
          </p>
        )}
        <button class="button primary" type="submit" disabled={isBusy || token.trim() === ''}>
          <span>{isBusy ? 'One moment…' : 'Log in'}</span>
        </button>
      </form>
    </main>
  );
}
