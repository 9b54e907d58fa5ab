import { render } from 'preact';
import { App } from './app.js';
import { loadSession } from './state/session.js';
import './style/tokens.css';
import './style/base.css';
import './style/shell.css';
import './style/parts.css';
import './style/pages.css';

void loadSession();
render(<App />, document.getElementById('app') as HTMLElement);
