using System.Diagnostics;
using NUnit.Framework;

namespace Emulator.Tests.Frontend;

/// <summary>The program as a process: what a shell sees.</summary>
internal sealed class ProgramTests
{
    [TestCase(33, "hello\n", "emu: the guest ended the run with exit status 33\n", "rom", "run", "hello")]
    [TestCase(2, "", "emu: -nic: not supported yet\n", "-nic", "user")]
    [TestCase(0, "hello\n", "emu: all expectations were met\n", "rom", "run", "hello", "--expect", "hello\\n")]
    [TestCase(33, "", "emu: the guest ended the run with exit status 33\n", "rom", "run", "hello", "-debugcon", "null")]
    public void Streams_and_status_are_as_documented(int status, string output, string error, params string[] args)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "emu.dll");
        ProcessStartInfo start = new(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(program);
        foreach (string arg in args)
        {
            start.ArgumentList.Add(arg);
        }

        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Multiple(() =>
        {
            Assert.That(process.ExitCode, Is.EqualTo(status));
            Assert.That(text.ReplaceLineEndings("\n"), Is.EqualTo(output));
            Assert.That(errors.Result.ReplaceLineEndings("\n"), Is.EqualTo(error));
        });
    }
}
