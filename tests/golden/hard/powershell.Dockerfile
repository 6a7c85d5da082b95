# escape=`
FROM a
SHELL ["powershell", "-Command", "$ErrorActionPreference = 'Stop';"]
RUN if (Test-Path c:\x) { `
  Remove-Item c:\x `
}; `
  Write-Host "`$a`n"
