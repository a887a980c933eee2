//! The login with a code: shown here, entered on any other device, awaited by polling (RFC 8628).

use bursar_core::engine::login::{LoggedIn, LoginPlan};
use bursar_core::oauth::device::DeviceAuthorization;
use bursar_core::provider::duration::write_duration;

use super::plan::told;
use super::quick_response::drawn;
use super::{same_login, within};
use crate::cli::app::App;
use crate::cli::arguments::LoginCommand;
use crate::cli::printer::{GOOD, paint};
use crate::exit::Failure;
use crate::login_plan::{refuse_scopes_of_other_flows, refused};

pub(super) async fn log_in(app: &App, command: &LoginCommand, plan: &LoginPlan) -> Result<LoggedIn, Failure> {
    refuse_scopes_of_other_flows(plan).map_err(|error| told(command, error))?;
    let device = app.engine.begin_device(plan).await.map_err(refused)?;
    show(app, plan, &device);
    let finish = async { app.engine.finish_device(plan, &device).await.map_err(refused) };
    let Some(limit) = command.timeout else { return finish.await };
    let hint = format!("log in again with more time, such as {}", same_login(plan, command, "--timeout 15m"));
    within(app, limit.unsigned_abs(), "the code was not confirmed", &hint, finish).await
}

fn show(app: &App, plan: &LoginPlan, device: &DeviceAuthorization) {
    let left = device.expires_at.duration_since(app.now());
    app.printer.say(&format!(
        "Log in to {} on any device: open\n\n  {}\n\nand enter the code\n\n  {}\n",
        plan.provider.display_name(),
        device.verification_uri,
        paint(&device.user_code, GOOD),
    ));
    let complete = device.verification_uri_complete.as_deref();
    if let Some(complete) = complete {
        app.printer.say(&format!("or open this, and compare the code\n\n  {complete}\n"));
    }
    if app.printer.person_is_watching()
        && let Some(picture) = drawn(complete.unwrap_or(&device.verification_uri))
    {
        app.printer.say(&picture);
    }
    app.printer.say(&format!("waiting; the code is good for {} (Ctrl-C cancels)", write_duration(left)));
}
