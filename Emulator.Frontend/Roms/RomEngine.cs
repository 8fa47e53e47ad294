namespace Emulator.Frontend.Roms;

/// <summary>How the CPU executes a test ROM.</summary>
public enum RomEngine
{
    /// <summary>The interpreter.</summary>
    Interpreter,

    /// <summary>The interpreter, with every instruction a call of its own to the machine.</summary>
    SingleStep,

    /// <summary>The translator: whatever it can translate is translated before it runs.</summary>
    Translator,

    /// <summary>The translator, each run of translated code compared with the interpreter's.</summary>
    Verify,
}
