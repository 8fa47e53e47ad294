namespace Emulator.Frontend.Running;

/// <summary>What one step of a script does.</summary>
public enum ScriptAction
{
    /// <summary>Wait for output that matches a pattern.</summary>
    Expect,

    /// <summary>Send bytes to the first serial port.</summary>
    Send,

    /// <summary>Type text on the keyboard.</summary>
    SendKeys,
}

/// <summary>One <c>--expect</c>, <c>--send</c> or <c>--send-keys</c> of the command line.</summary>
/// <param name="Action">What it does.</param>
/// <param name="Text">As given: the pattern, or the text with its escapes.</param>
/// <param name="Data">The bytes to send; empty for an expectation.</param>
public sealed record ScriptStep(ScriptAction Action, string Text, ReadOnlyMemory<byte> Data = default);
