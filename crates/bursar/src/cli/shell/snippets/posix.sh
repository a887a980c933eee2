# bursar: short commands of this terminal, for any POSIX shell, whose names have no dash.
unalias c ct ct_all ct_refresh 2>/dev/null || true

# c ACCOUNT: use this account, by name or number of `bursar list`, in this terminal only, and show it.
c() {
  if [ "$#" -eq 0 ]; then
    command bursar list
    return
  fi
  bursar_code="$(command bursar env --shell sh "--switch=$1")" || return
  eval "$bursar_code"
  command bursar status "$bursar_account"
}

# ct [ACCOUNT]: show this account, else the one of this terminal.
ct() {
  bursar_shown="$(command bursar env "--reference=${1-${bursar_account-}}")" || return
  command bursar status "$bursar_shown"
}

# ct_all: show every account.
ct_all() {
  command bursar status "$@"
}

# ct_refresh [ACCOUNT]: refresh this account, else the one of this terminal.
ct_refresh() {
  bursar_shown="$(command bursar env "--reference=${1-${bursar_account-}}")" || return
  command bursar refresh "$bursar_shown"
}
