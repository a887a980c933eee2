//! `bursar credential kubectl`: an exec plugin in a kubeconfig.

use super::exec_credential::{answer, wanted};
use super::identity_token::proof;
use crate::cli::app::App;
use crate::cli::arguments::credential::KubectlCredential;
use crate::exit::{Exit, Failure};

pub(super) async fn run(app: &App, command: &KubectlCredential) -> Result<Exit, Failure> {
    let version = wanted(app.environment.text("KUBERNETES_EXEC_INFO")).map_err(|error| {
        Failure::of(Exit::Usage, &error)
            .hint("set `apiVersion: client.authentication.k8s.io/v1` in the kubeconfig")
    })?;
    let account = app.resolve(&command.account).await?;
    let shown = proof(app, &account.reference, !command.id_token).await?;
    app.printer.data(&answer(version, &shown.token, shown.expires_at));
    Ok(Exit::Ok)
}
