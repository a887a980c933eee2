# bursar: short commands of this terminal, for bash and zsh. An alias of the same name would win, so it goes.
unalias c ct ct-all ct-refresh 2>/dev/null || true

# c ACCOUNT: use this account, by name or number of `bursar list`, in this terminal only, and show it.
function c {
  local code
  if [ "$#" -eq 0 ]; then
    command bursar list
    return
  fi
  code="$(command bursar env --shell sh "--switch=$1")" || return
  eval "$code"
  command bursar status "$bursar_account"
}

# ct [ACCOUNT]: show this account, else the one of this terminal.
function ct {
  local account
  account="$(command bursar env "--reference=${1-${bursar_account-}}")" || return
  command bursar status "$account"
}

# ct-all: show every account.
function ct-all {
  command bursar status "$@"
}

# ct-refresh [ACCOUNT]: refresh this account, else the one of this terminal.
function ct-refresh {
  local account
  account="$(command bursar env "--reference=${1-${bursar_account-}}")" || return
  command bursar refresh "$account"
}
