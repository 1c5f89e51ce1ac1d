import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Link } from "wouter";
import { Icon, type IconName } from "./icon.tsx";
import { showProblem } from "./toast.tsx";

export interface ButtonProps {
  readonly children?: ComponentChildren;
  /** While its promise is pending the button is busy and cannot be pressed; what it throws is shown as a message. */
  readonly onClick?: (event: MouseEvent) => unknown;
  readonly kind?: "primary" | "danger" | "plain" | "quiet";
  readonly icon?: IconName;
  readonly type?: "button" | "submit";
  readonly disabled?: boolean;
  /** Why it cannot be pressed, or what it does. */
  readonly title?: string;
  /** For a button without text. */
  readonly label?: string;
  readonly pressed?: boolean;
  readonly small?: boolean;
}

export function Button({ children, onClick, kind = "plain", icon, type = "button", ...rest }: ButtonProps) {
  const [isBusy, setBusy] = useState(false);
  const { disabled = false, title, label, pressed, small = false } = rest;
  const press = async (event: MouseEvent) => {
    const pending = onClick?.(event);
    if (!(pending instanceof Promise)) return;
    setBusy(true);
    try {
      await pending;
    } catch (error) {
      showProblem(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <button
      type={type}
      class={`button ${kind}${small ? " small" : ""}${children === undefined ? " square" : ""}`}
      disabled={disabled || isBusy}
      aria-busy={isBusy}
      aria-pressed={pressed}
      title={title ?? label}
      aria-label={label}
      onClick={(event) => void press(event)}
    >
      {icon === undefined ? null : <Icon name={icon} />}
      {children}
    </button>
  );
}

export interface LinkButtonProps {
  readonly href: string;
  readonly children?: ComponentChildren;
  readonly kind?: ButtonProps["kind"];
  readonly icon?: IconName;
  readonly small?: boolean;
}

/** A page of the dashboard that looks like a button. */
export function LinkButton({ href, children, kind = "plain", icon, small = false }: LinkButtonProps) {
  return (
    <Link href={href} class={`button ${kind}${small ? " small" : ""}`}>
      {icon === undefined ? null : <Icon name={icon} />}
      {children}
    </Link>
  );
}
