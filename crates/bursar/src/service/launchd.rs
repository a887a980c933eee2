//! macOS: a launch agent of the user (launchd.plist(5)).

use std::fmt::Write as _;

use super::xml::escaped;
use super::{Encoding, MARK, Plan, ServiceError, ServiceFile, Starting, Step, plain, plain_text};
use crate::config::environment::Environment;

/// The property list, where launchd looks for it at login, and the commands that do not wait for the next one.
/// `user`: the number of the user, whose session is told.
pub fn plan(starting: &Starting, environment: &Environment, user: u32) -> Result<Plan, ServiceError> {
    let home = environment.path("HOME").filter(|home| home.is_absolute()).ok_or(ServiceError::NoHome)?;
    let path = home.join("Library/LaunchAgents").join(format!("{LABEL}.plist"));
    let written = plain(MANAGER, &path)?.to_owned();
    let (session, service) = (format!("gui/{user}"), format!("gui/{user}/{LABEL}"));
    Ok(Plan {
        manager: MANAGER,
        files: vec![ServiceFile { path, text: property_list(starting)?, encoding: Encoding::Utf8 }],
        // Over SSH, without a session on the screen, there is nobody to tell.
        announce: vec![Step::new("launchctl", ["print", &*session])],
        renew: vec![
            Step::new(starting.program.clone(), ["agent", "stop"]),
            Step::new("launchctl", ["bootout", &*service]),
        ],
        begin: vec![
            Step::new("launchctl", ["enable", &*service]),
            // A service that is loaded already cannot be loaded again.
            Step::new(
                "/bin/sh",
                ["-c", "launchctl print \"$1\" >/dev/null 2>&1 || launchctl bootstrap \"$2\" \"$3\"", "sh"]
                    .into_iter()
                    .chain([&*service, &*session, &*written]),
            ),
        ],
        end: vec![Step::new("launchctl", ["bootout", &*service])],
        links: Vec::new(),
        advice: Vec::new(),
    })
}

/// The property list.
pub fn property_list(starting: &Starting) -> Result<String, ServiceError> {
    let program = escaped(plain(MANAGER, &starting.program)?);
    let log = escaped(plain(MANAGER, &starting.log)?);
    let mut variables = String::new();
    for (name, value) in &starting.variables {
        let value = escaped(plain_text(MANAGER, value)?);
        // Writing to a String cannot fail.
        let _ = write!(variables, "\n\t\t<key>{name}</key>\n\t\t<string>{value}</string>");
    }
    if !variables.is_empty() {
        variables = format!("\n\t<key>EnvironmentVariables</key>\n\t<dict>{variables}\n\t</dict>");
    }
    // Umask 63 is octal 077. A refresh under way saves its answer first, which takes at most 50 s: ExitTimeOut.
    Ok(format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- {MARK} -->
<plist version="1.0">
<dict>
	<key>Label</key>
	<string>{LABEL}</string>
	<key>ProgramArguments</key>
	<array>
		<string>{program}</string>
		<string>agent</string>
		<string>run</string>
	</array>{variables}
	<key>RunAtLoad</key>
	<true/>
	<key>KeepAlive</key>
	<dict>
		<key>SuccessfulExit</key>
		<false/>
	</dict>
	<key>ProcessType</key>
	<string>Background</string>
	<key>Umask</key>
	<integer>63</integer>
	<key>ExitTimeOut</key>
	<integer>60</integer>
	<key>StandardOutPath</key>
	<string>{log}</string>
	<key>StandardErrorPath</key>
	<string>{log}</string>
</dict>
</plist>
"#
    ))
}

const MANAGER: &str = "launchd";

/// The service's name in the whole session.
const LABEL: &str = "io.github.bursar.agent";

#[cfg(test)]
mod tests {
    use super::*;

    fn starting(program: &str) -> Starting {
        Starting {
            program: program.into(),
            variables: Vec::new(),
            socket: None,
            log: "/Users/ada/bursar/agent.log".into(),
        }
    }

    #[test]
    fn the_property_list_of_a_plain_installation() {
        insta::assert_snapshot!(property_list(&starting("/usr/local/bin/bursar")).unwrap(), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
        <!-- Written by `bursar agent install`; `bursar agent uninstall` removes it. -->
        <plist version="1.0">
        <dict>
        	<key>Label</key>
        	<string>io.github.bursar.agent</string>
        	<key>ProgramArguments</key>
        	<array>
        		<string>/usr/local/bin/bursar</string>
        		<string>agent</string>
        		<string>run</string>
        	</array>
        	<key>RunAtLoad</key>
        	<true/>
        	<key>KeepAlive</key>
        	<dict>
        		<key>SuccessfulExit</key>
        		<false/>
        	</dict>
        	<key>ProcessType</key>
        	<string>Background</string>
        	<key>Umask</key>
        	<integer>63</integer>
        	<key>ExitTimeOut</key>
        	<integer>60</integer>
        	<key>StandardOutPath</key>
        	<string>/Users/ada/bursar/agent.log</string>
        	<key>StandardErrorPath</key>
        	<string>/Users/ada/bursar/agent.log</string>
        </dict>
        </plist>
        "#);
    }

    #[test]
    fn hostile_paths_are_escaped_and_line_ends_refused() {
        let mut hostile = starting("/Users/a \"b\" <c> & 'd' $HOME 100%/bursar");
        hostile.variables = vec![("BURSAR_HOME", "</string><key>Program</key>".to_owned())];
        let text = property_list(&hostile).unwrap();
        assert!(text.contains(
            "<string>/Users/a &quot;b&quot; &lt;c&gt; &amp; &apos;d&apos; $HOME 100%/bursar</string>"
        ));
        assert!(text.contains("<string>&lt;/string&gt;&lt;key&gt;Program&lt;/key&gt;</string>"), "{text}");
        assert!(property_list(&starting("/a\nb")).is_err());
    }

    #[test]
    fn the_file_is_where_launchd_looks_and_the_session_is_told() {
        let environment = Environment::from_pairs([("HOME", "/Users/ada")]);
        let plan = plan(&starting("/usr/local/bin/bursar"), &environment, 501).unwrap();
        let path = "/Users/ada/Library/LaunchAgents/io.github.bursar.agent.plist";
        assert_eq!(plan.files[0].path.to_str(), Some(path));
        assert_eq!(plan.end[0].line(), "launchctl bootout gui/501/io.github.bursar.agent");
        assert!(plan.begin[1].arguments.ends_with(&["gui/501".to_owned(), path.to_owned()]));
    }
}
