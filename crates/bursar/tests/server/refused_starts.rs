//! Starts that would be unsafe or cannot be: each says why and what to do.

use std::net::TcpListener;

use rcgen::{CertificateParams, KeyPair};

use super::world::outer_address;
use crate::support::{Ended, Home, filters};

async fn serve(home: &Home, arguments: &[&str]) -> Ended {
    home.run(&[&["serve"], arguments].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_beyond_this_machine() {
    let home = Home::new();
    insta::assert_snapshot!(serve(&home, &["--listen", "0.0.0.0:0"]).await, @"
    exit 2
    --- stdout
    --- stderr
    error: 0.0.0.0:0 can be reached from other machines, and nothing would be encrypted
    hint: set `server.tls_certificate` and `server.tls_key`, or name the proxy
          in front of it in `server.trusted_proxies`
    ");
    // The configuration cannot do what the command line cannot.
    home.write_config("[server]\nlisten = [\"[::]:0\"]\n");
    insta::assert_snapshot!(serve(&home, &[]).await, @"
    exit 2
    --- stdout
    --- stderr
    error: [::]:0 can be reached from other machines, and nothing would be encrypted
    hint: set `server.tls_certificate` and `server.tls_key`, or name the proxy
          in front of it in `server.trusted_proxies`
    ");
    assert!(!home.path().join("bursar.db").exists(), "nothing was begun");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_for_others_without_a_name() {
    let home = Home::new();
    home.write_config("[server]\nlisten = [\"0.0.0.0:0\"]\ntrusted_proxies = [\"10.0.0.0/8\"]\n");
    let ended = serve(&home, &[]).await;
    let address = chosen_address(&ended.stderr);
    insta::assert_snapshot!(ended.to_string().replace(&address, "0.0.0.0:[PORT]"), @"
    exit 2
    --- stdout
    --- stderr
    error: a server that other machines can reach at 0.0.0.0:[PORT] needs a public URL
    hint: set `server.public_url` to the https URL everybody knows it by, or
          give `--public-url`
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_use() {
    let _filters = filters();
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    insta::assert_snapshot!(serve(&home, &["--listen", &address]).await, @"
    exit 1
    --- stdout
    --- stderr
    error: cannot listen on 127.0.0.1:[PORT]
      because: Address already in use (os error 98)
    hint: another server may run already; choose an address with `--listen`
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_another_machine() {
    let home = Home::new();
    home.write_config("[server]\ntrusted_proxies = [\"10.0.0.1\"]\n");
    insta::assert_snapshot!(serve(&home, &["--listen", "192.0.2.1:8790"]).await, @"
    exit 1
    --- stdout
    --- stderr
    error: cannot listen on 192.0.2.1:8790
      because: Cannot assign requested address (os error 99)
    hint: this machine has no such address; choose another one with `--listen`
    ");
    assert!(!outer_address().is_loopback(), "this machine has a network");
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_certificate_and_bad_ones() {
    let _filters = filters();
    let home = Home::new();
    let (certificate, key) = (home.beside("cert.pem"), home.beside("key.pem"));
    let config = |lines: &str| home.write_config(&format!("[server]\nlisten = [\"127.0.0.1:0\"]\n{lines}"));
    let tls = format!("tls_certificate = {certificate:?}\n");
    config(&tls);
    insta::assert_snapshot!(serve(&home, &[]).await, @"
    exit 2
    --- stdout
    --- stderr
    error: `server.tls_certificate` and `server.tls_key` belong together, and one is missing
    hint: set both, or neither
    ");
    config(&format!("{tls}tls_key = {key:?}\n"));
    insta::assert_snapshot!(serve(&home, &[]).await, @"
    exit 1
    --- stdout
    --- stderr
    error: the server's certificate cannot be used
      because: cannot read [FOLDER]/cert.pem
      because: No such file or directory (os error 2)
    hint: check `server.tls_certificate` and `server.tls_key`
    ");
    std::fs::write(&certificate, "not PEM").unwrap();
    insta::assert_snapshot!(serve(&home, &[]).await, @"
    exit 1
    --- stdout
    --- stderr
    error: the server's certificate cannot be used
      because: [FOLDER]/cert.pem has no certificate in PEM
    hint: check `server.tls_certificate` and `server.tls_key`
    ");
    let one = KeyPair::generate().unwrap();
    let signed = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&one).unwrap();
    std::fs::write(&certificate, signed.pem()).unwrap();
    std::fs::write(&key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    insta::assert_snapshot!(serve(&home, &[]).await, @"
    exit 1
    --- stdout
    --- stderr
    error: the server's certificate cannot be used
      because: the key in [FOLDER]/key.pem does not fit the certificate in
          [FOLDER]/cert.pem
    hint: the file with the certificate starts with the server's own, and those
          that vouch for it follow
    ");
    std::fs::write(&certificate, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    std::fs::write(&key, one.serialize_pem()).unwrap();
    insta::assert_snapshot!(serve(&home, &[]).await, @"
    exit 1
    --- stdout
    --- stderr
    error: the server's certificate cannot be used
      because: [FOLDER]/cert.pem is damaged
    hint: check `server.tls_certificate` and `server.tls_key`
    ");
    std::fs::write(&key, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").unwrap();
    insta::assert_snapshot!(serve(&home, &[]).await, @"
    exit 1
    --- stdout
    --- stderr
    error: the server's certificate cannot be used
      because: the key in [FOLDER]/key.pem is of a kind that cannot be used
    hint: check `server.tls_certificate` and `server.tls_key`
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_mean_nothing() {
    let _filters = filters();
    let home = Home::new();
    for arguments in [["--listen", "8790"], ["--public-url", "http://auth.example.com"]] {
        let ended = serve(&home, &arguments).await;
        assert_eq!(ended.code, 2, "{ended}");
    }
    for (line, key) in [
        ("listen = [\"localhost:1\"]", "server.listen"),
        ("public_url = \"https://a/?b\"", "server.public_url"),
        ("trusted_proxies = [\"10.0.0.0/33\"]", "server.trusted_proxies"),
    ] {
        home.write_config(&format!("[server]\n{line}\n"));
        let ended = serve(&home, &[]).await;
        assert_eq!(ended.code, 2, "{ended}");
        assert!(ended.stderr.contains(&format!("`{key}` must be")), "{ended}");
    }
}

/// The address with the port that the system chose.
fn chosen_address(text: &str) -> String {
    let start = text.find("0.0.0.0:").unwrap();
    text[start..].split(' ').next().unwrap().to_owned()
}
