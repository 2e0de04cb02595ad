// The policy in force where the operator has written none. One text, so that its digest is defined like any other's.
import { parsePolicy } from './policy.ts';
import type { Policy } from './policy.ts';

export const defaultPolicyName = 'default policy';

export const defaultPolicyText = `# The default policy of Forgeguard. Copy it to policy.yaml and name that file in forgeguard.yaml to change it:
#   policyFile: policy.yaml
# All rules that match apply; the strongest action wins: deny, hold, redact, allow.
version: 1

# Nobody is compared with the authors of commits until the policy knows who is who; docs/policy.md shows how to begin.
authors:
  mode: off

rules:
  # What must not leave, whoever sends it.
  - id: phi
    when:
      operation: [push, merge, publish, pull-request, workflow, api]
      findings: { category: phi, severity: medium, confidence: 0.85 }
    then: deny
    message: >-
      Protected health information was found. Remove it from every commit of this push, or use values that are
      published as synthetic, and push again.

  - id: secrets
    when:
      operation: [push, merge, publish, pull-request, workflow, api]
      findings: { category: secret, severity: medium, confidence: 0.85 }
    then: deny
    message: >-
      A credential was found. Remove it from every commit of this push, read it from the environment or a secret store
      instead, and push again. Revoke it if it was ever shared.

  - id: possible-phi-or-secrets
    monitor: true
    when:
      operation: [push, merge, publish, pull-request, workflow, api]
      findings: { category: [phi, secret], severity: medium, confidence: 0.6 }
      not:
        findings: { confidence: 0.85 }
    then: deny
    message: This may be protected health information or a credential. Look at it before somebody else does.

  - id: unsafe-content
    when:
      operation: [push, merge, publish, pull-request]
      findings: { category: policy }
      not:
        findings:
          rule:
            - policy/dependency-source
            - policy/machine-code
            - policy/author-mismatch
            - policy/forged-trailer
            - policy/bad-signature
    then: deny
    message: >-
      This content cannot be checked or points out of the repository. Send it in a form that can be read, without
      encryption or symbolic links that leave the tree.

  # Who says to have made it. Found only where \`authors\` above compares, and bad signatures where keys are given.
  - id: impersonation
    when:
      operation: [push, merge]
      findings: { category: policy, rule: [policy/author-mismatch, policy/forged-trailer, policy/bad-signature] }
    then: deny
    message: >-
      Commits and tags bear the name of the one who pushes or of the one for whom it acts, and no signature but their
      own. Make them your own, or let the people push whose work it is.

  - id: log-values
    when:
      operation: log
      findings: { category: [phi, secret], severity: medium, confidence: 0.6 }
    then: redact
    message: Values were replaced in the log.

  # What agents may not do to history.
  - id: agent-force-push
    when:
      operation: push
      actor: { kind: agent }
      refUpdate: force
    then: deny
    message: Agents may not rewrite what was pushed. Add a commit, or push to a new branch.

  - id: agent-delete
    when:
      operation: push
      actor: { kind: agent }
      refUpdate: delete
    then: deny
    message: Agents may not delete branches or tags. Ask a person to do it.

  # What a human decides when an agent asks.
  - id: agent-protected-branch
    when:
      operation: push
      actor: { kind: agent }
      ref: [default-branch, 'release/**', 'releases/**', 'release-*', 'refs/heads/production']
    then: { hold: { approvers: group:reviewers, count: 1, expires: 24h } }
    message: >-
      A push by an agent to the default branch or a release branch waits for a reviewer. To go on without waiting, push
      to a new branch and open a pull request.

  - id: agent-workflows
    when:
      operation: [push, merge]
      actor: { kind: agent }
      paths:
        - '.github/{workflows,actions}/**'
        - '.github/dependabot.{yml,yaml}'
        - '{.gitea,.forgejo}/workflows/**'
        - '**/.gitlab-ci.{yml,yaml}'
        - '.gitlab/ci/**'
        - '{.circleci,.buildkite,.woodpecker,.tekton,.azure-pipelines}/**'
        - '{.woodpecker,.drone,.travis,appveyor,.appveyor,azure-pipelines,bitbucket-pipelines,cloudbuild}.{yml,yaml}'
        - '**/{Jenkinsfile,Jenkinsfile.*,action.yml,action.yaml}'
    then: { hold: { approvers: group:reviewers, count: 1, expires: 24h } }
    message: A change of build workflows by an agent waits for a reviewer, because workflows run with credentials.

  - id: agent-code-owners
    when:
      operation: [push, merge]
      actor: { kind: agent }
      paths: '{CODEOWNERS,.github/CODEOWNERS,.gitlab/CODEOWNERS,.gitea/CODEOWNERS,.forgejo/CODEOWNERS,docs/CODEOWNERS}'
    then: { hold: { approvers: group:reviewers, count: 1, expires: 24h } }
    message: A change by an agent of who must review waits for a reviewer.

  - id: agent-container-files
    when:
      operation: [push, merge]
      actor: { kind: agent }
      paths:
        - '**/{Dockerfile,Containerfile}'
        - '**/{Dockerfile,Containerfile}.*'
        - '**/*.{Dockerfile,dockerfile,Containerfile}'
        - '**/{docker-compose,compose}.{yml,yaml}'
        - '**/{docker-compose,compose}.*.{yml,yaml}'
        - '**/docker-bake.{hcl,json}'
        - '.devcontainer/**'
    then: { hold: { approvers: group:reviewers, count: 1, expires: 24h } }
    message: A change of container files by an agent waits for a reviewer.

  - id: agent-registries
    when:
      operation: [push, merge]
      actor: { kind: agent }
      paths:
        - '**/{.npmrc,.yarnrc,.yarnrc.yml,.pnpmfile.cjs,bunfig.toml}'
        - '**/{pip.conf,.pip/pip.conf,.pypirc,uv.toml}'
        - '**/.cargo/{config,config.toml}'
        - '**/{NuGet.Config,nuget.config,NuGet.config}'
        - '**/.mvn/{settings.xml,maven.config,extensions.xml}'
        - '**/{settings.gradle,settings.gradle.kts,gradle-wrapper.properties}'
        - '**/{.bundle/config,.gemrc,.condarc}'
        - '.lfsconfig'
    then: { hold: { approvers: group:reviewers, count: 1, expires: 24h } }
    message: A change by an agent of where dependencies and large files come from waits for a reviewer.

  - id: agent-migrations
    when:
      operation: [push, merge]
      actor: { kind: agent }
      paths:
        - '**/{migration,migrations,migrate}/**'
        - '**/{alembic,flyway,liquibase}/**'
        - '**/V[0-9]*__*.sql'
    then: { hold: { approvers: group:reviewers, count: 1, expires: 24h } }
    message: A change of database migrations by an agent waits for a reviewer.

  - id: agent-infrastructure
    when:
      operation: [push, merge]
      actor: { kind: agent }
      paths:
        - '**/*.{tf,tf.json,tfvars,tfvars.json,tofu,hcl,bicep}'
        - '**/{terraform,cloudformation,ansible,helm,charts,k8s,kubernetes,kustomize}/**'
        - '**/{Chart.yaml,kustomization.yaml,kustomization.yml,Pulumi.yaml,Pulumi.*.yaml}'
        - '**/{cdk.json,serverless.yml,serverless.yaml}'
    then: { hold: { approvers: group:reviewers, count: 1, expires: 24h } }
    message: A change of infrastructure code by an agent waits for a reviewer.

  - id: agent-submodules
    when:
      operation: [push, merge]
      actor: { kind: agent }
      paths:
        - { mode: submodule, change: [add, modify] }
        - .gitmodules
    then: { hold: { approvers: group:reviewers, count: 1, expires: 24h } }
    message: A new or changed submodule by an agent waits for a reviewer, because its content is not scanned here.

  - id: agent-dependency-sources
    when:
      operation: [push, merge]
      actor: { kind: agent }
      findings: { category: policy, rule: policy/dependency-source }
    then: { hold: { approvers: group:reviewers, count: 1, expires: 24h } }
    message: >-
      A lock file that an agent pushes takes dependencies from elsewhere than the public registry. That waits for a
      reviewer, because the code behind it can be anything.

  - id: agent-machine-code
    when:
      operation: [push, merge]
      actor: { kind: agent }
      findings: { category: policy, rule: policy/machine-code }
    then: { hold: { approvers: group:reviewers, count: 1, expires: 24h } }
    message: Programs in machine code or byte code that an agent pushes wait for a reviewer, because nobody can read them.

  - id: agent-large-deletion
    when:
      operation: [push, merge]
      actor: { kind: agent }
      paths: { change: delete, count: 50 }
    then: { hold: { approvers: group:reviewers, count: 1, expires: 24h } }
    message: An agent deletes 50 files or more. That waits for a reviewer, because it may not be meant.

  - id: agent-bulk-change
    when:
      operation: [push, merge]
      actor: { kind: agent }
      paths: { count: 500 }
    then: { hold: { approvers: group:reviewers, count: 1, expires: 24h } }
    message: An agent changes 500 files or more at once. That waits for a reviewer; smaller pushes are easier to review.

  - id: agent-production
    when:
      operation: deploy
      actor: { kind: agent }
      environment: ['**/*prod*', '**/{live,release,releases}', '**/{live,release}-*', '**/*-live']
    then: { hold: { approvers: group:reviewers, count: 1, expires: 24h } }
    message: A deployment to production that an agent is behind waits for a reviewer.

exceptions: []
`;

/** The default policy, read. */
export function defaultPolicy(): Policy {
  return parsePolicy(defaultPolicyText, defaultPolicyName);
}
