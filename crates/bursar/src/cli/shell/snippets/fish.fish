# bursar: short commands of this terminal, for fish.

function c --description 'Use this account, by name or number of `bursar list`, in this terminal only, and show it'
    if test (count $argv) -eq 0
        command bursar list
        return
    end
    set -l code (command bursar env --shell fish --switch=$argv[1])
    or return
    eval $code
    command bursar status $bursar_account
end

function ct --description 'Show this account, else the one of this terminal'
    set -l wanted $argv[1] $bursar_account ''
    set -l account (command bursar env --reference=$wanted[1])
    or return
    command bursar status $account
end

function ct-all --description 'Show every account'
    command bursar status $argv
end

function ct-refresh --description 'Refresh this account, else the one of this terminal'
    set -l wanted $argv[1] $bursar_account ''
    set -l account (command bursar env --reference=$wanted[1])
    or return
    command bursar refresh $account
end
