//! Windows: a task of the Task Scheduler that runs in the user's own session (Task Scheduler XML schema 1.4).

use std::path::Path;

use super::xml::escaped;
use super::{Encoding, MARK, Plan, ServiceError, ServiceFile, Starting, Step, plain, plain_text};
use crate::config::environment::Environment;

/// The task's definition, kept in `folder`, and the commands that hand it over.
pub fn plan(starting: &Starting, environment: &Environment, folder: &Path) -> Result<Plan, ServiceError> {
    let user = match (environment.text("USERDOMAIN"), environment.text("USERNAME")) {
        (Some(domain), Some(name)) => format!("{domain}\\{name}"),
        (None, Some(name)) => name.to_owned(),
        (_, None) => return Err(ServiceError::NoHome),
    };
    let path = folder.join("agent-task.xml");
    let written = plain(MANAGER, &path)?.to_owned();
    let advice = starting.variables.iter().map(|(name, _)| {
        format!("a task sees only lasting variables: run `setx {name} \"%{name}%\"` once, then log in again")
    });
    Ok(Plan {
        manager: MANAGER,
        files: vec![ServiceFile { path, text: definition(starting, &user)?, encoding: Encoding::Utf16 }],
        announce: vec![Step::new("schtasks", ["/Create", "/F", "/TN", TASK, "/XML", &*written])],
        renew: vec![
            Step::new(starting.program.clone(), ["agent", "stop"]),
            Step::new("schtasks", ["/End", "/TN", TASK]),
        ],
        begin: vec![Step::new("schtasks", ["/Run", "/TN", TASK])],
        end: vec![
            Step::new("schtasks", ["/End", "/TN", TASK]),
            Step::new("schtasks", ["/Delete", "/F", "/TN", TASK]),
        ],
        links: Vec::new(),
        advice: advice.collect(),
    })
}

/// The task's definition. `user` as `DOMAIN\NAME`.
pub fn definition(starting: &Starting, user: &str) -> Result<String, ServiceError> {
    let program = plain(MANAGER, &starting.program)?;
    // The scheduler expands variables and knows no way to write a percent sign; a quote cannot be in a file's name.
    if let Some(what) =
        program.contains('%').then_some("a percent sign").or(program.contains('"').then_some("a quote"))
    {
        return Err(ServiceError::Unwritable { manager: MANAGER, what, path: program.to_owned() });
    }
    let (program, user) = (escaped(program), escaped(plain_text(MANAGER, user)?));
    // `conhost --headless` gives the program a console without a window on the screen. Priority 7 is the scheduler's
    // own default, below what a person works with. PT0S means no limit.
    Ok(format!(
        r#"<?xml version="1.0" encoding="UTF-16"?>
<!-- {MARK} -->
<Task version="1.4" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <URI>\{TASK}</URI>
    <Description>bursar agent, keeps OAuth tokens fresh</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>
      <UserId>{user}</UserId>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>{user}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <AllowHardTerminate>true</AllowHardTerminate>
    <StartWhenAvailable>true</StartWhenAvailable>
    <RunOnlyIfNetworkAvailable>false</RunOnlyIfNetworkAvailable>
    <IdleSettings>
      <StopOnIdleEnd>false</StopOnIdleEnd>
      <RestartOnIdle>false</RestartOnIdle>
    </IdleSettings>
    <AllowStartOnDemand>true</AllowStartOnDemand>
    <Enabled>true</Enabled>
    <Hidden>true</Hidden>
    <RunOnlyIfIdle>false</RunOnlyIfIdle>
    <WakeToRun>false</WakeToRun>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>7</Priority>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>10</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>%SystemRoot%\System32\conhost.exe</Command>
      <Arguments>--headless &quot;{program}&quot; agent run</Arguments>
    </Exec>
  </Actions>
</Task>
"#
    ))
}

const MANAGER: &str = "Task Scheduler";

/// The task's name, at the top of the scheduler's library.
const TASK: &str = "bursar agent";

#[cfg(test)]
mod tests {
    use super::*;

    fn starting(program: &str) -> Starting {
        Starting { program: program.into(), variables: Vec::new(), socket: None, log: r"C:\log".into() }
    }

    #[test]
    fn the_task_of_a_plain_installation() {
        let program = r"C:\Program Files\bursar\bursar.exe";
        insta::assert_snapshot!(definition(&starting(program), r"DESK\ada").unwrap(), @r#"
        <?xml version="1.0" encoding="UTF-16"?>
        <!-- Written by `bursar agent install`; `bursar agent uninstall` removes it. -->
        <Task version="1.4" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
          <RegistrationInfo>
            <URI>\bursar agent</URI>
            <Description>bursar agent, keeps OAuth tokens fresh</Description>
          </RegistrationInfo>
          <Triggers>
            <LogonTrigger>
              <Enabled>true</Enabled>
              <UserId>DESK\ada</UserId>
            </LogonTrigger>
          </Triggers>
          <Principals>
            <Principal id="Author">
              <UserId>DESK\ada</UserId>
              <LogonType>InteractiveToken</LogonType>
              <RunLevel>LeastPrivilege</RunLevel>
            </Principal>
          </Principals>
          <Settings>
            <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
            <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
            <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
            <AllowHardTerminate>true</AllowHardTerminate>
            <StartWhenAvailable>true</StartWhenAvailable>
            <RunOnlyIfNetworkAvailable>false</RunOnlyIfNetworkAvailable>
            <IdleSettings>
              <StopOnIdleEnd>false</StopOnIdleEnd>
              <RestartOnIdle>false</RestartOnIdle>
            </IdleSettings>
            <AllowStartOnDemand>true</AllowStartOnDemand>
            <Enabled>true</Enabled>
            <Hidden>true</Hidden>
            <RunOnlyIfIdle>false</RunOnlyIfIdle>
            <WakeToRun>false</WakeToRun>
            <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
            <Priority>7</Priority>
            <RestartOnFailure>
              <Interval>PT1M</Interval>
              <Count>10</Count>
            </RestartOnFailure>
          </Settings>
          <Actions Context="Author">
            <Exec>
              <Command>%SystemRoot%\System32\conhost.exe</Command>
              <Arguments>--headless &quot;C:\Program Files\bursar\bursar.exe&quot; agent run</Arguments>
            </Exec>
          </Actions>
        </Task>
        "#);
    }

    #[test]
    fn hostile_paths_are_escaped_or_refused() {
        let text = definition(&starting(r"C:\R&D <x>'s $HOME\bursar.exe"), "A&B\\<ada>").unwrap();
        assert!(
            text.contains(r"&quot;C:\R&amp;D &lt;x&gt;&apos;s $HOME\bursar.exe&quot; agent run"),
            "{text}"
        );
        assert_eq!(text.matches(r"<UserId>A&amp;B\&lt;ada&gt;</UserId>").count(), 2);
        for program in ["C:\\100%PATH%\\b.exe", "C:\\a\" & calc \"b.exe", "C:\\a\nb.exe"] {
            assert!(definition(&starting(program), "ada").is_err(), "{program:?}");
        }
    }

    #[test]
    fn variables_that_a_task_would_not_see_are_told() {
        let environment = Environment::from_pairs([("USERDOMAIN", "DESK"), ("USERNAME", "ada")]);
        let mut starting = starting(r"C:\bursar.exe");
        starting.variables = vec![("BURSAR_HOME", r"D:\vault".to_owned())];
        let plan = plan(&starting, &environment, Path::new(r"D:\vault")).unwrap();
        assert!(plan.advice[0].contains("setx BURSAR_HOME"), "{plan:?}");
        assert_eq!(plan.files[0].encoding, Encoding::Utf16);
        let nobody = Environment::from_pairs([]);
        assert!(super::plan(&starting, &nobody, Path::new(r"D:\vault")).is_err());
    }
}
