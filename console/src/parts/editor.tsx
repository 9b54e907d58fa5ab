import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { EditorHandle } from './editor-view.js';
import { shownTheme } from '../state/theme.js';

interface Props {
  /** What it shows; where it can be written in, what it begins with. */
  value: string;
  label: string;
  language: 'typescript' | 'json' | 'text';
  onChange?: (value: string) => void;
  onSubmit?: () => void;
  /** Numbers, from 1, of a line to mark. */
  marked?: number | undefined;
}

/** A text with highlighting; without `onChange` it can only be read. Its library is loaded when it is shown. */
export function Editor({ value, label, language, onChange, onSubmit, marked }: Props): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const editor = useRef<EditorHandle | null>(null);
  const latest = useRef({ value, onChange, onSubmit });
  latest.current = { value, onChange, onSubmit };
  const theme = shownTheme.value;

  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    let isGone = false;
    void import('./editor-view.js').then(({ openEditor }) => {
      if (isGone) return;
      editor.current = openEditor(element, {
        value: latest.current.value,
        label,
        language,
        isDark: theme === 'dark',
        isReadOnly: onChange === undefined,
        marked,
        onChange: (text) => latest.current.onChange?.(text),
        onSubmit: () => latest.current.onSubmit?.(),
      });
    });
    return () => {
      isGone = true;
      editor.current?.close();
      editor.current = null;
    };
  }, [theme, language, label, onChange === undefined, marked]);
  // What a person writes is the editor's own: handing it back a moment later would undo what came since.
  useEffect(() => {
    if (onChange === undefined) editor.current?.setValue(value);
  }, [value]);
  return <div ref={box} class="editor" />;
}
