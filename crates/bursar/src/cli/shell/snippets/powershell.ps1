# bursar: short commands of this terminal, for PowerShell. An alias of the same name would win, so it goes.
foreach ($name in 'c', 'ct', 'ct-all', 'ct-refresh') {
    Remove-Item -Path "Alias:$name" -Force -ErrorAction SilentlyContinue
}

# c ACCOUNT: use this account, by name or number of `bursar list`, in this terminal only, and show it.
function global:c([string] $Account) {
    if (-not $Account) { bursar list; return }
    $code = bursar env --shell powershell "--switch=$Account" | Out-String
    if ($LASTEXITCODE -ne 0) { return }
    Invoke-Expression $code
    bursar status $global:bursar_account
}

# ct [ACCOUNT]: show this account, else the one of this terminal.
function global:ct([string] $Account = $global:bursar_account) {
    $reference = bursar env "--reference=$Account"
    if ($LASTEXITCODE -ne 0) { return }
    bursar status $reference
}

# ct-all: show every account.
function global:ct-all {
    bursar status @args
}

# ct-refresh [ACCOUNT]: refresh this account, else the one of this terminal.
function global:ct-refresh([string] $Account = $global:bursar_account) {
    $reference = bursar env "--reference=$Account"
    if ($LASTEXITCODE -ne 0) { return }
    bursar refresh $reference
}
