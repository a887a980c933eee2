//! `bursar user`: people who sign in at the authorization server.

mod password;
mod reset_code;

use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::records::user::User;
use bursar_core::engine::issuer::scopes::ADMINISTRATION_SCOPES;

use super::administration::{PAGE, server_of, unless_empty, user_called, value};
use super::app::App;
use super::arguments::user::{
    AddUserCommand, FreeNameCommand, Said, SetPasswordCommand, UpdateUserCommand, UserAction, UserCommand,
};
use super::screen::table::{sheet, table};
use crate::exit::{Exit, Failure};
use crate::http::administration::documents::UserDocument;

pub(super) async fn run(app: &App, command: &UserCommand) -> Result<Exit, Failure> {
    let server = server_of(app).await?;
    match &command.action {
        UserAction::Add(command) => add(app, &server, command).await,
        UserAction::List => list(app, &server).await,
        UserAction::Show(command) => show(app, &server, &command.user).await,
        UserAction::Update(command) => update(app, &server, command).await,
        UserAction::Disable(command) => set_disabled(app, &server, &command.user, true).await,
        UserAction::Enable(command) => set_disabled(app, &server, &command.user, false).await,
        UserAction::SetPassword(command) => set_password(app, &server, command).await,
        UserAction::ResetPassword(command) => reset_code::run(app, &server, command).await,
        UserAction::ForgetPasskeys(command) => forget_passkeys(app, &server, &command.user).await,
        UserAction::Remove(command) => remove(app, &server, &command.user).await,
        UserAction::Free(command) => free(app, &server, command).await,
    }
}

async fn add(app: &App, server: &AuthorizationServer, command: &AddUserCommand) -> Result<Exit, Failure> {
    // Nobody types a password for nothing.
    if server.user_named(&command.username).await?.is_some() {
        return Err(Failure::new(Exit::Usage, format!("there is a user `{}` already", command.username))
            .hint("choose another name, or change that one with `bursar user update`"));
    }
    let password = password::read(app, &command.password, &command.username).await?;
    let mut user = User::called(&command.username);
    apply(&mut user, &command.said);
    let user = server.add_user(user, password).await?;
    if app.printer.json {
        app.printer.document(&value(&UserDocument::from(&user)));
    } else {
        app.printer.data(&format!("{}\n", user.id));
    }
    app.printer.say(&format!("user `{}` was added", user.username));
    Ok(Exit::Ok)
}

async fn list(app: &App, server: &AuthorizationServer) -> Result<Exit, Failure> {
    let mut users: Vec<User> = Vec::new();
    loop {
        let after = users.last().map(|user| user.id.clone());
        let page = server.users(after.as_deref(), PAGE).await?;
        let is_last = page.len() < PAGE;
        users.extend(page.into_iter().map(|user| user.document));
        if is_last {
            break;
        }
    }
    let documents: Vec<UserDocument> = users.iter().map(UserDocument::from).collect();
    if app.printer.json {
        app.printer.document(&value(&documents));
    } else if documents.is_empty() {
        app.printer.say("there is no user; add one with `bursar user add NAME`");
    } else {
        let rows: Vec<[String; 4]> = documents
            .iter()
            .map(|user| {
                let name = user.name.clone().or_else(|| user.email.clone());
                [user.username.clone(), user.id.clone(), name.unwrap_or_else(|| "-".to_owned()), notes(user)]
            })
            .collect();
        app.printer.data(&table(["USER", "ID", "NAME", ""], 2, &rows));
    }
    Ok(Exit::Ok)
}

async fn show(app: &App, server: &AuthorizationServer, called: &str) -> Result<Exit, Failure> {
    let user = UserDocument::from(&user_called(server, called).await?);
    if app.printer.json {
        app.printer.document(&value(&user));
        return Ok(Exit::Ok);
    }
    let password = match (&user.password_changed_at, user.has_password) {
        (Some(changed), true) => format!("set at {changed}"),
        (None, true) => "set".to_owned(),
        (_, false) => "none".to_owned(),
    };
    app.printer.data(&sheet(&[
        ("user", user.username.clone()),
        ("id", user.id.clone()),
        ("name", user.name.clone().unwrap_or_default()),
        ("e-mail", user.email.clone().unwrap_or_default()),
        ("role", user.role.clone().unwrap_or_default()),
        ("permissions", user.permissions.join(" ")),
        ("password", password),
        ("notes", notes(&user)),
        ("added", user.created_at.clone()),
    ]));
    Ok(Exit::Ok)
}

async fn update(
    app: &App,
    server: &AuthorizationServer,
    command: &UpdateUserCommand,
) -> Result<Exit, Failure> {
    let user = user_called(server, &command.user).await?;
    let changed = server
        .update_user(&user.id, &|user| {
            if let Some(username) = &command.username {
                user.username.clone_from(username);
            }
            if command.no_admin {
                user.scopes.retain(|scope| !ADMINISTRATION_SCOPES.contains(&scope.as_str()));
            }
            apply(user, &command.said);
        })
        .await?;
    if app.printer.json
        && let Some(user) = &changed
    {
        app.printer.document(&value(&UserDocument::from(user)));
    }
    app.printer.say(&format!("user `{}` was changed", user.username));
    Ok(Exit::Ok)
}

async fn set_disabled(
    app: &App,
    server: &AuthorizationServer,
    called: &str,
    disabled: bool,
) -> Result<Exit, Failure> {
    let user = user_called(server, called).await?;
    server.set_user_disabled(&user.id, disabled).await?;
    let what = if disabled {
        "may not sign in any more, and everything issued in their name has ended"
    } else {
        "may sign in"
    };
    app.printer.say(&format!("user `{}` {what}", user.username));
    Ok(Exit::Ok)
}

async fn forget_passkeys(app: &App, server: &AuthorizationServer, called: &str) -> Result<Exit, Failure> {
    let user = user_called(server, called).await?;
    let removed = server.forget_passkeys(&user.id).await?;
    let what = match removed {
        0 => "had no passkey".to_owned(),
        1 => "has no passkey any more; there was one".to_owned(),
        many => format!("has no passkey any more; there were {many}"),
    };
    app.printer.say(&format!("user `{}` {what}", user.username));
    if removed > 0 && user.password.is_none() {
        app.printer
            .say(&format!("they cannot sign in; next: `bursar user reset-password {}`", user.username));
    }
    Ok(Exit::Ok)
}

async fn set_password(
    app: &App,
    server: &AuthorizationServer,
    command: &SetPasswordCommand,
) -> Result<Exit, Failure> {
    let user = user_called(server, &command.user).await?;
    let password = password::read(app, &command.password, &user.username).await?;
    let what = if password.is_some() { "has a new password" } else { "has no password any more" };
    server.set_password(&user.id, password).await?;
    let ended = if server.rules().reset_ends_logins {
        "everything issued in their name has ended"
    } else {
        "their sessions have ended"
    };
    app.printer.say(&format!("user `{}` {what}, and {ended}", user.username));
    Ok(Exit::Ok)
}

async fn remove(app: &App, server: &AuthorizationServer, called: &str) -> Result<Exit, Failure> {
    let user = user_called(server, called).await?;
    server.remove_user(&user.id).await?;
    app.printer.say(&format!(
        "user `{0}` was removed, and everything issued in their name has ended; nobody else gets the name unless \
         you run `bursar user free {0}`",
        user.username
    ));
    Ok(Exit::Ok)
}

async fn free(app: &App, server: &AuthorizationServer, command: &FreeNameCommand) -> Result<Exit, Failure> {
    let FreeNameCommand { username } = command;
    if !server.free_user_name(username).await? {
        return Err(Failure::new(Exit::Error, format!("no removed user had the name `{username}`"))
            .hint("see who there is with `bursar user list`"));
    }
    app.printer.say(&format!("the name `{username}` can be used again"));
    Ok(Exit::Ok)
}

fn apply(user: &mut User, said: &Said) {
    if let Some(name) = &said.name {
        user.name = unless_empty(name);
    }
    if let Some(email) = &said.email {
        let email = unless_empty(email);
        // Who looks after users here knows whose address it is.
        user.email_verified = email.is_some();
        user.email = email;
    }
    if let Some(avatar_url) = &said.avatar_url {
        user.avatar_url = unless_empty(avatar_url);
    }
    for (name, value) in &said.claims {
        match value {
            Some(value) => user.claims.insert(name.clone(), value.clone()),
            None => user.claims.remove(name),
        };
    }
    if let Some(role) = &said.role {
        user.role = unless_empty(role);
    }
    if let Some(permissions) = &said.permissions {
        user.permissions = permissions.iter().filter(|text| !text.is_empty()).cloned().collect();
    }
    if said.admin {
        for scope in ADMINISTRATION_SCOPES {
            if !user.scopes.iter().any(|known| known == scope) {
                user.scopes.push(scope.to_owned());
            }
        }
    }
}

fn notes(user: &UserDocument) -> String {
    let notes = [(user.admin, "admin"), (user.disabled, "disabled"), (!user.has_password, "no password")];
    let notes: Vec<&str> = notes.iter().filter(|(is_so, _)| *is_so).map(|(_, note)| *note).collect();
    notes.join(", ")
}
