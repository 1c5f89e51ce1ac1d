import { Empty, ProblemNotice, type ProblemNoticeProps } from "../ui/notice.tsx";

/** Why there is no repository. A Skiff without git is a choice of its operator, and no fault. */
export function RepositoryProblem(props: ProblemNoticeProps) {
  const { problem } = props;
  if (problem?.code !== "git_missing") return <ProblemNotice {...props} />;
  return (
    <Empty title="Git is not installed">
      <p>{problem.message}</p>
    </Empty>
  );
}
