//! Users over HTTP.

use axum::Json;
use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::records::user::User;
use bursar_core::secret::Secret;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::documents::{ResetCodeDocument, UserDocument};
use super::door::Acting;
use super::failures::{missing, of_user};
use super::pages::{PageDocument, PageQuery};
use crate::http::extract::{Asked, Body, Named};
use crate::http::failures::{ChangesRecords, UsesTheStore};
use crate::http::refusal::Refusal;
use crate::http::wire::FailureDocument;

/// A user as they are wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUserBody {
    /// What they type to sign in.
    username: String,
    /// Their password; absent: they cannot sign in with one.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<Secret>,
    /// What is said of them.
    #[serde(default)]
    said: UserFacts,
}

/// What shall be different; whatever is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserChangeBody {
    /// Another user name; the old one is kept for them.
    username: Option<String>,
    /// What is said of them.
    #[serde(default)]
    said: UserFacts,
}

/// What is said of a user. Empty texts stand for nothing.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserFacts {
    /// Full name.
    name: Option<String>,
    /// E-mail address.
    email: Option<String>,
    /// Whether the address was verified.
    email_verified: Option<bool>,
    /// Address of a picture.
    avatar_url: Option<String>,
    /// What applications call them.
    role: Option<String>,
    /// What applications let them do.
    permissions: Option<Vec<String>>,
    /// Further claims for applications, in session tokens; names that mean something there already are left out.
    #[schema(value_type = Option<Object>)]
    claims: Option<Map<String, Value>>,
    /// Scopes beyond the ordinary ones that clients may have in their name, such as `bursar:admin`.
    scopes: Option<Vec<String>>,
}

/// A new password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordBody {
    /// The password; `null`: they cannot sign in with one any more.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<Secret>,
}

/// List users
#[utoipa::path(
    get,
    path = "/v1/users",
    operation_id = "list_users",
    tag = "users",
    params(PageQuery),
    responses((status = 200, description = "The oldest first", body = PageDocument<UserDocument>), UsesTheStore)
)]
pub(super) async fn list(
    Acting(server): Acting,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<PageDocument<UserDocument>>, Refusal> {
    let users = server.users(query.after.as_deref(), query.limit()).await?;
    Ok(Json(PageDocument::of(
        &users,
        query.limit(),
        |user| user.document.id.clone(),
        |user| UserDocument::from(&user.document),
    )))
}

/// Add a user
#[utoipa::path(
    post,
    path = "/v1/users",
    operation_id = "add_user",
    tag = "users",
    request_body = NewUserBody,
    responses((status = 201, description = "The user", body = UserDocument), (status = 409, description = "The name is taken", body = FailureDocument), ChangesRecords)
)]
pub(super) async fn add(
    Acting(server): Acting,
    Body(body): Body<NewUserBody>,
) -> Result<(StatusCode, Json<UserDocument>), Refusal> {
    let user = body.said.of(body.username);
    let user = server.add_user(user, body.password).await.map_err(of_user)?;
    Ok((StatusCode::CREATED, Json(UserDocument::from(&user))))
}

/// Show one user
#[utoipa::path(
    get,
    path = "/v1/users/{user}",
    operation_id = "show_user",
    tag = "users",
    params(("user" = String, Path, description = "Their id or user name")),
    responses((status = 200, description = "The user", body = UserDocument), UsesTheStore)
)]
pub(super) async fn show(Acting(server): Acting, Named(user): Named) -> Result<Json<UserDocument>, Refusal> {
    Ok(Json(UserDocument::from(&called(&server, &user).await?)))
}

/// Change a user
#[utoipa::path(
    patch,
    path = "/v1/users/{user}",
    operation_id = "change_user",
    tag = "users",
    params(("user" = String, Path, description = "Their id or user name")),
    request_body = UserChangeBody,
    responses((status = 200, description = "The user", body = UserDocument), (status = 409, description = "The name is taken", body = FailureDocument), ChangesRecords)
)]
pub(super) async fn change(
    Acting(server): Acting,
    Named(user): Named,
    Body(body): Body<UserChangeBody>,
) -> Result<Json<UserDocument>, Refusal> {
    let id = called(&server, &user).await?.id;
    let change = |user: &mut User| {
        if let Some(username) = &body.username {
            user.username.clone_from(username);
        }
        body.said.apply(user);
    };
    let changed = server.update_user(&id, &change).await.map_err(of_user)?;
    Ok(Json(UserDocument::from(&changed.ok_or_else(|| missing("user"))?)))
}

/// Give a user another password and end their sessions
#[utoipa::path(
    post,
    path = "/v1/users/{user}/password",
    operation_id = "set_password",
    tag = "users",
    params(("user" = String, Path, description = "Their id or user name")),
    request_body = PasswordBody,
    responses((status = 204, description = "It is set"), ChangesRecords)
)]
pub(super) async fn set_password(
    Acting(server): Acting,
    Named(user): Named,
    Body(body): Body<PasswordBody>,
) -> Result<StatusCode, Refusal> {
    let id = called(&server, &user).await?.id;
    let is_set = server.set_password(&id, body.password).await.map_err(of_user)?;
    if is_set { Ok(StatusCode::NO_CONTENT) } else { Err(missing("user")) }
}

/// Make a code by which a user sets a password of their own, once, within the hour
#[utoipa::path(
    post,
    path = "/v1/users/{user}/reset-password",
    operation_id = "reset_password",
    tag = "users",
    params(("user" = String, Path, description = "Their id or user name")),
    responses((status = 200, description = "The code, which is told this once", body = ResetCodeDocument), UsesTheStore)
)]
pub(super) async fn reset_password(
    Acting(server): Acting,
    Named(user): Named,
) -> Result<Json<ResetCodeDocument>, Refusal> {
    let id = called(&server, &user).await?.id;
    let code = server.issue_reset_code(&id).await?.ok_or_else(|| missing("user"))?;
    Ok(Json(ResetCodeDocument::new(&code, &server)))
}

/// Let a user name be used again that a removed user had
#[utoipa::path(
    post,
    path = "/v1/users/{user}/free",
    operation_id = "free_user_name",
    tag = "users",
    params(("user" = String, Path, description = "The user name")),
    responses((status = 204, description = "Somebody else can have it"), UsesTheStore)
)]
pub(super) async fn free(Acting(server): Acting, Named(username): Named) -> Result<StatusCode, Refusal> {
    let is_freed = server.free_user_name(&username).await?;
    if is_freed { Ok(StatusCode::NO_CONTENT) } else { Err(missing("removed user")) }
}

/// Remove all passkeys of a user
#[utoipa::path(
    delete,
    path = "/v1/users/{user}/passkeys",
    operation_id = "forget_passkeys",
    tag = "users",
    params(("user" = String, Path, description = "Their id or user name")),
    responses((status = 204, description = "They have none any more"), UsesTheStore)
)]
pub(super) async fn forget_passkeys(
    Acting(server): Acting,
    Named(user): Named,
) -> Result<StatusCode, Refusal> {
    server.forget_passkeys(&called(&server, &user).await?.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let a user sign in no more and end everything issued in their name
#[utoipa::path(
    post,
    path = "/v1/users/{user}/disable",
    operation_id = "disable_user",
    tag = "users",
    params(("user" = String, Path, description = "Their id or user name")),
    responses((status = 204, description = "They are disabled"), UsesTheStore)
)]
pub(super) async fn disable(Acting(server): Acting, Named(user): Named) -> Result<StatusCode, Refusal> {
    set_disabled(&server, &user, true).await
}

/// Let a disabled user sign in again
#[utoipa::path(
    post,
    path = "/v1/users/{user}/enable",
    operation_id = "enable_user",
    tag = "users",
    params(("user" = String, Path, description = "Their id or user name")),
    responses((status = 204, description = "They are enabled"), UsesTheStore)
)]
pub(super) async fn enable(Acting(server): Acting, Named(user): Named) -> Result<StatusCode, Refusal> {
    set_disabled(&server, &user, false).await
}

/// Remove a user and end everything issued in their name
#[utoipa::path(
    delete,
    path = "/v1/users/{user}",
    operation_id = "remove_user",
    tag = "users",
    params(("user" = String, Path, description = "Their id or user name")),
    responses((status = 204, description = "They are removed"), UsesTheStore)
)]
pub(super) async fn remove(Acting(server): Acting, Named(user): Named) -> Result<StatusCode, Refusal> {
    let id = called(&server, &user).await?.id;
    if server.remove_user(&id).await? { Ok(StatusCode::NO_CONTENT) } else { Err(missing("user")) }
}

async fn set_disabled(
    server: &AuthorizationServer,
    user: &str,
    disabled: bool,
) -> Result<StatusCode, Refusal> {
    let id = called(server, user).await?.id;
    let is_done = server.set_user_disabled(&id, disabled).await?;
    if is_done { Ok(StatusCode::NO_CONTENT) } else { Err(missing("user")) }
}

/// The user of this id or name. Ids come first: no name may take one's place.
async fn called(server: &AuthorizationServer, called: &str) -> Result<User, Refusal> {
    let by_id = server.user(called).await?;
    let user = match by_id {
        Some(user) => Some(user),
        None => server.user_named(called).await?,
    };
    Ok(user.ok_or_else(|| missing("user"))?.document)
}

impl UserFacts {
    /// A new user of this name, as the use case wants them.
    pub(super) fn of(&self, username: String) -> User {
        let mut user = User::called(username);
        self.apply(&mut user);
        user
    }

    fn apply(&self, user: &mut User) {
        set(&mut user.name, self.name.as_deref());
        set(&mut user.email, self.email.as_deref());
        set(&mut user.avatar_url, self.avatar_url.as_deref());
        set(&mut user.role, self.role.as_deref());
        // An address that has just been written is not a verified one, unless that is said too.
        let unverified = self.email.as_ref().map(|_| false);
        user.email_verified = self.email_verified.or(unverified).unwrap_or(user.email_verified);
        if let Some(permissions) = &self.permissions {
            user.permissions.clone_from(permissions);
        }
        if let Some(claims) = &self.claims {
            user.claims.clone_from(claims);
        }
        if let Some(scopes) = &self.scopes {
            user.scopes.clone_from(scopes);
        }
    }
}

fn set(fact: &mut Option<String>, said: Option<&str>) {
    if let Some(said) = said {
        *fact = Some(said.to_owned()).filter(|text| !text.is_empty());
    }
}
