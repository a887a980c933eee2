//! Sessions of runs that say nothing about files or sockets.

use super::{logged_in, shell};

#[tokio::test(flavor = "multi_thread")]
async fn the_beginning_and_the_end_are_on_record_with_the_program_but_not_its_arguments() {
    let (home, _provider, _, _) = logged_in().await;
    assert_eq!(shell(&home, &["work"], "exit 0; hunter2").await.code, 0);
    let database = String::from_utf8_lossy(&std::fs::read(home.path().join("bursar.db")).unwrap())
        .into_owned()
        + &String::from_utf8_lossy(&std::fs::read(home.path().join("bursar.db-wal")).unwrap_or_default());
    for words in ["session.started", "session.ended"] {
        assert!(database.contains(words), "{words}");
    }
    assert!(!database.contains("hunter2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_files_or_a_socket_there_is_no_folder_and_no_variable() {
    let (home, _provider, _, _) = logged_in().await;
    let run =
        shell(&home, &["work"], "env | grep -E '^BURSAR_(SOCKET|SESSION|GATEWAY)'; ls \"$BURSAR_HOME\"")
            .await;
    assert_eq!(run.code, 0, "{run}");
    assert!(!run.stdout.contains("BURSAR_") && !run.stdout.contains("sessions"), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_gateway_has_routes_the_command_is_told_where_it_is() {
    let (home, _provider, _, _) = logged_in().await;
    let script = "echo \"[$BURSAR_GATEWAY]\"";
    let none = shell(&home, &["--socket", "work"], script).await;
    assert_eq!((none.code, none.stdout.as_str()), (0, "[]\n"), "{none}");
    home.write_config(
        "[gateway.routes.api]\naccount = \"work\"\nupstream = \"https://api.example.com\"\n\
         [gateway]\nlisten = \"127.0.0.1:9999\"\n",
    );
    let told = shell(&home, &["--socket", "work"], script).await;
    assert_eq!((told.code, told.stdout.as_str()), (0, "[http://127.0.0.1:9999/gateway]\n"), "{told}");
}
