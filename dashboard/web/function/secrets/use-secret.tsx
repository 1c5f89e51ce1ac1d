import { useState } from "preact/hooks";
import { api } from "../../api/client.ts";
import { useResource } from "../../api/resource.ts";
import { putSecret, type Secret } from "../../secrets/secret.ts";
import { FormDialog } from "../../ui/dialog.tsx";
import { Select, TextField } from "../../ui/field.tsx";
import { showWritten } from "../../ui/toast.tsx";
import { type Described, ifMatch, pathOf, useDescribed } from "../described.ts";

interface UseSecretProps {
  readonly described: Described;
  readonly onClose: () => void;
}

/** Gives a function a secret: one that is stored, or a new one. */
export function UseSecret({ described: { name, version }, onClose }: UseSecretProps) {
  const { read } = useDescribed();
  const stored = useResource<{ readonly secrets: readonly Secret[] }>("/secret");
  const [chosen, setChosen] = useState("");
  const [fresh, setFresh] = useState("");
  const [value, setValue] = useState("");
  const [variable, setVariable] = useState("");
  const secret = chosen || fresh.trim();
  const standard = secret.toUpperCase().replaceAll("-", "_");
  const submit = async () => {
    if (chosen === "") {
      await putSecret(secret, value, true);
      await stored.reload();
      // What follows may be refused, and then it is stored all the same.
      setChosen(secret);
    }
    const given = variable.trim() || standard;
    const secrets = { [given]: secret };
    await api.send("PATCH", pathOf(name), { json: { secrets }, headers: ifMatch(version) });
    await showWritten(`${name} reads ${secret} from ${given}.`, {
      stored: `A version with ${secret} is stored.`,
      read,
      differs: (now) =>
        now.settings.secrets[given]?.secret === secret
          ? undefined
          : `${name} does not read ${secret} from ${given}`,
    });
  };
  const listed = stored.data?.secrets.map((each) => each.name) ?? [];
  const names = chosen === "" || listed.includes(chosen) ? listed : [chosen, ...listed];
  return (
    <FormDialog title={`A secret for ${name}`} action="Use it" isGuarded onSubmit={submit} onClose={onClose}>
      <Select
        label="Secret"
        value={chosen}
        onChange={setChosen}
        options={[{ value: "", text: "A new one" }, ...names]}
      />
      {chosen === "" ? (
        <>
          <TextField label="Name" mono required placeholder="db-password" value={fresh} onChange={setFresh} />
          <TextField label="Value" mono required rows={3} value={value} onChange={setValue} />
        </>
      ) : null}
      <TextField
        label="Variable"
        mono
        placeholder={standard || "DB_PASSWORD"}
        hint="The function reads the value from it."
        value={variable}
        onChange={setVariable}
      />
    </FormDialog>
  );
}
