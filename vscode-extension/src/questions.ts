/** Several questions in one quick input: hidden between two of them, the editor gives the focus back to where it was, and keys go there. */

import { Disposable, type InputBox, type QuickPickItem, window } from 'vscode';

export class Questions implements Disposable {
  private readonly pick = window.createQuickPick();
  private box: InputBox | undefined;

  /** One of the items; undefined where the user leaves. It stays in sight until the next question, or the end. */
  choose<T extends QuickPickItem>(title: string, placeholder: string, items: readonly T[]): Promise<T | undefined> {
    const { pick } = this;
    Object.assign(pick, { title, placeholder, items, value: '', matchOnDetail: true });
    return answered(
      pick,
      (done) => pick.onDidAccept(() => { done(items.find((item) => item === pick.activeItems[0])); }),
    );
  }

  /** Some words; undefined where the user leaves. */
  write(title: string, prompt: string): Promise<string | undefined> {
    const box = (this.box ??= window.createInputBox());
    Object.assign(box, { title, prompt, ignoreFocusOut: true });
    return answered(
      box,
      (done) => Disposable.from(
        box.onDidChangeValue(() => { box.validationMessage = undefined; }),
        box.onDidAccept(() => {
          if (box.value.trim()) done(box.value);
          else box.validationMessage = 'Write a few words.';
        }),
      ),
    );
  }

  dispose(): void {
    this.pick.dispose();
    this.box?.dispose();
  }
}

function answered<T>(input: Pick<InputBox, 'onDidHide' | 'show'>, accepting: (done: (answer: T | undefined) => void) => Disposable): Promise<T | undefined> {
  return new Promise((resolve) => {
    const done = (answer: T | undefined): void => {
      heard.dispose();
      resolve(answer);
    };
    const heard = Disposable.from(accepting(done), input.onDidHide(() => { done(undefined); }));
    input.show();
  });
}
