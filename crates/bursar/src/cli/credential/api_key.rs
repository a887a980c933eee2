//! `bursar credential api-key-helper`: the token alone on a line, good for as long as Claude Code keeps it.

use bursar_core::lifecycle::refresh::Ask;
use jiff::SignedDuration;

use crate::cli::app::App;
use crate::cli::arguments::credential::ApiKeyCredential;
use crate::exit::{Exit, Failure};

pub(super) async fn run(app: &App, command: &ApiKeyCredential) -> Result<Exit, Failure> {
    let account = app.resolve(&command.account).await?;
    let kept = command.min_valid.unwrap_or_else(|| kept_for(app.environment.text(TIME_TO_LIVE)));
    let ask = Ask { min_valid: Some(kept), ..Ask::default() };
    let handed = app.desk.hand_out(&account.reference, &ask, app.config.refresh.wait.unsigned_abs()).await?;
    app.printer.data(&format!("{}\n", handed.token.expose()));
    Ok(Exit::Ok)
}

/// How long the caller goes on using what it is given.
fn kept_for(time_to_live: Option<&str>) -> SignedDuration {
    time_to_live
        .and_then(|text| text.trim().parse::<u32>().ok())
        .map_or(USUAL, |milliseconds| SignedDuration::from_millis(milliseconds.into()))
}

/// In milliseconds; set for Claude Code and passed on to its helper.
const TIME_TO_LIVE: &str = "CLAUDE_CODE_API_KEY_HELPER_TTL_MS";
/// What it documents as its own default.
const USUAL: SignedDuration = SignedDuration::from_mins(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_lives_as_long_as_it_is_kept() {
        assert_eq!(kept_for(None), SignedDuration::from_mins(5));
        assert_eq!(kept_for(Some("3600000")), SignedDuration::from_hours(1));
        assert_eq!(kept_for(Some("soon")), SignedDuration::from_mins(5));
    }
}
