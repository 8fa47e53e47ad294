using Emulator.Core.Snapshot;

namespace Emulator.Core.Machine;

/// <summary>A part of the machine that has state: it can be reset and saved.</summary>
public interface IMachineComponent
{
    /// <summary>Stable name of its snapshot chunk ("pic", "uart0").</summary>
    string StateId { get; }

    /// <summary>Version of its fields; raise it when a field's meaning changes.</summary>
    int StateVersion { get; }

    /// <summary>Puts the component into the state that its datasheet gives for a hardware reset.</summary>
    void Reset();

    /// <summary>Saves or loads all guest-visible state, by the same code.</summary>
    /// <param name="archive">The archive.</param>
    void Serialize(StateArchive archive);
}
