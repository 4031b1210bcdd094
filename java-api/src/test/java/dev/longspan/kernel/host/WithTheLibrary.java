package dev.longspan.kernel.host;

import dev.longspan.bindings.HostLibrary;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Skips a test class, with the reason, where the native library was not built. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(WithTheLibrary.Condition.class)
@interface WithTheLibrary {

    final class Condition implements ExecutionCondition {
        @Override
        public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
            String reason = HostLibrary.get().reason();
            return reason == null ? ConditionEvaluationResult.enabled(HostLibrary.get().tier())
                    : ConditionEvaluationResult.disabled(reason);
        }
    }
}
